"""The chip of a simulated node, as its firmware sees it: machine, network, esp32, played by this process.

The node's own process holds only a thin line to it (simulator/chip), since its small heap is the firmware's.
What firmware can reach is what has a public name in machine.py, network.py and esp32.py; the rest of a chip
is not pretended: asking for it raises AttributeError.
"""
