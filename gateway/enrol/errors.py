"""What goes wrong in an enrolment."""

from __future__ import annotations


class EnrolError(Exception):
    """It was not done; the message says why, what holds now and what to do."""
