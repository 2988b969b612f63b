"""Plantower PMS sensors on a UART: 9600 baud. Their commands: node/talk_plantower.py."""

from node import use_once
from node.duty import Duty

from .plantower_parser import Parser


class Plantower(Duty):
    """Wake or sleep on demand; mode "active" (the default, frames by themselves) or "passive" (a frame for
    each read command, one a second). `model`: any that Parser knows; it may be corrected by the frames.

    A sensor that stayed powered keeps its mode and its sleep across a reboot of the board, so both are set
    each time. It does not answer a wake; its frames prove it. A PMS3003 knows no passive mode.
    """

    TALK = "talk_plantower"
    baud = 9600
    # Fast mode gives a frame every 200 ms (manual: 200 to 800), at most 40 bytes: 2 s of a main loop that is
    # blocked are 400 bytes, and some replies of 8.
    rxbuf = 1024
    # A value here or above is saturated. The parser sees to it that PM10 is the greatest of each channel.
    ceiling = {"pm10": 1000, "pm10_cf1": 1000, "n03": 65535}

    def __init__(self, model="pms5003", mode=None):
        self.model = model
        use_once("talk", "begin", self, Parser(model, False), mode)
