"""Byte-level sensor emulators, written from the protocol descriptions."""
