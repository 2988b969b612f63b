"""How near to the truth the network's values come, and which faults are found: python -m bench.accuracy"""
