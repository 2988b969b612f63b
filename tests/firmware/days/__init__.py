"""Days of simulated time of a whole node: the firmware on MicroPython, its chip and its network here."""
