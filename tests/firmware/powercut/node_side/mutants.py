"""Faults put into the firmware on purpose, each of which the test must see: main.py's last word."""

import disk

import node.files
import node.outbox_ack
import node.outbox_write
from node.outbox import Outbox


def _no_flush():
    """A reading counts as born while it is in a buffer."""
    disk.File.flush = lambda self: None


def _in_place():
    """Small files are written over what they held."""

    def write(path, data):
        with open(path, "wb") as file:
            file.write(data)

    node.files.write = write


def _ack_not_kept():
    """What is acked is forgotten in memory only."""
    node.outbox_ack.save = lambda outbox: None


def _ack_beyond():
    """An ack takes the reading behind it along."""
    acked = Outbox.acked
    Outbox.acked = lambda self, boot, seqs: acked(self, boot, list(range(seqs[0], seqs[-1] + 2)))


def _boot_not_kept():
    """The start's number is kept nowhere."""
    node.outbox_write.keep = lambda outbox: None


def apply(name):
    globals()["_" + name.replace("-", "_")]()
