"""Several gateways for one shard: one has its lease and works, the others stand by to take it over.

rules.py decides who has it, link.py carries the words over the broker, duty.py lets the session follow.
"""
