"""An hour of simulated time of one sensor: the node on MicroPython, the emulated sensor here."""
