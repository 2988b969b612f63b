"""A whole node in simulated time: the real firmware, its chip and its network on one clock (world.py).

Tests of days, and `dustline sim fleet --depth days`, are built upon it.
"""
