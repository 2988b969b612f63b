"""`dustline decode`: what a sensor's bytes mean, by the firmware's own parsers."""

from dustline.decode.command import decode

__all__ = ["decode"]
