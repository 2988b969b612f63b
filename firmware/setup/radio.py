"""The node's own network while it is set up. What the chip is asked for goes through board.py's modules: in
there it would be loaded for years."""

import binascii
import os

from micropython import const

_WPA2 = const(3)
_GUESTS = const(4)
ADDRESS = "192.168.4.1"
# No 0 and O, 1 and l: it is typed from a label or a console.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def name_of(app):
    """The network's name: by the node's name, else by its chip; at most 32 bytes."""
    chip = binascii.hexlify(app.board.machine.unique_id()).decode()[-6:]
    return ("Dustline-" + (app.config.node or chip))[:32]


def new_password():
    """12 letters, 59 bits."""
    text = ""
    while len(text) < 12:
        number = os.urandom(1)[0] & 31
        if number < len(_LETTERS):
            text += _LETTERS[number]
    return text


def open_network(board, name, password):
    """The interface, on, with WPA2. One that is not as it was told is switched off again: OSError."""
    network = board.network
    interface = network.WLAN(network.AP_IF)
    interface.config(ssid=name, key=password, security=_WPA2, max_clients=_GUESTS)
    interface.ifconfig((ADDRESS, "255.255.255.0", ADDRESS, ADDRESS))  # the last: itself as the DNS server
    interface.active(True)
    if interface.config("security") != _WPA2 or interface.config("ssid") != name:
        interface.active(False)
        raise OSError("the node's own network has no password")
    return interface
