"""Destinations: each reads the journal with a cursor of its own."""
