"""What a user can put right."""

from __future__ import annotations


class KitError(Exception):
    """A sentence that says what is wrong, where, and what to do."""
