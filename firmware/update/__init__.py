"""Loading a new version, and trying it. Nothing of this is in the heap while no update is under way."""
