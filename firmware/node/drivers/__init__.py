"""Sensor drivers without I/O: bytes in, events and commands out. Nothing here imports machine."""
