"""Enrolment: a node's name gets a secret, an entry at the broker, rights for its own topics, and a place."""
