"""Nodes of the real firmware on bad networks, with the ledger as the judge. See __main__.py."""
