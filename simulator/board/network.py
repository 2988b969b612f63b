"""`network` of the ESP32: both interfaces (soft_ap.py has the other), what is on the air.

Every public name is firmware's to use.

The sockets are the host's: what Wi-Fi does here is what firmware sees of it through WLAN.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulator.board.power import Clock
from simulator.board.soft_ap import SoftAp

GOOD_DBM = -75
LOST_DBM = -91
NOWHERE = "0.0.0.0"  # noqa: S104 - what the chip answers when it has no address


@dataclass
class AccessPoint:
    """What is on the air, and how long the chip takes to see it. A real chip needs some seconds for both."""

    ssid: str
    password: str
    rssi: int = -61
    on: bool = True
    join_s: float = 0.3
    beacon_s: float = 1.0  # of silence until a lost access point is noticed
    scan_s: float = 0.2
    channel: int = 6
    bssid: bytes = b"\x02\0\0\0\0\x01"
    dhcp: bool = True  # whether it gives addresses
    hidden: bool = False  # its name is not in what a scan finds
    # A fault of the chip's own: it stays as it is, joined in name or not, until firmware switches its
    # interface off. Set at the first access point; `revived` is called when it ends.
    hung: bool = False
    revived: Callable[[], None] | None = None
    # How many calls of active, connect or scan fail for want of the chip's own memory, by name. Set at the
    # first access point.
    no_memory: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def failing(self) -> float:
        """The part of all tries to join that a weak signal lets fail: none at -75 dBm, nearly all at -90."""
        return min(max((GOOD_DBM - self.rssi) / (GOOD_DBM - LOST_DBM), 0.0), 0.95)


class UnknownCodeError(Exception):
    """A code of ESP-IDF's that the port has no name for: a RuntimeError on the node."""


class Codes:
    STA_IF = 0
    AP_IF = 1
    STAT_IDLE = 1000
    STAT_CONNECTING = 1001
    STAT_GOT_IP = 1010
    STAT_BEACON_TIMEOUT = 200
    STAT_NO_AP_FOUND = 201
    STAT_WRONG_PASSWORD = 202
    STAT_ASSOC_FAIL = 203
    STAT_HANDSHAKE_TIMEOUT = 204


class Constants:
    IF_STA = Codes.STA_IF
    IF_AP = Codes.AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2


class Station(Constants):
    """The station interface: there is one, so all objects are one.

    What it should know by now is worked out whenever it is asked. Once asked to connect it tries again by
    itself until disconnect(), or until more than config(reconnects=N) tries failed.
    """

    def __init__(
        self,
        air: AccessPoint | Sequence[AccessPoint],
        mac: bytes,
        console: Callable[[str], None],
        clock: Clock = time.monotonic,
    ) -> None:
        """`air` is looked at whenever it matters; a list may grow."""
        self._air = [air] if isinstance(air, AccessPoint) else air
        self._point = self._air[0]  # the one that it is joined to, or was last
        self._channel = self._point.channel
        self._random = random.Random(mac)
        self._mac = mac
        self._console = console
        self._clock = clock
        self._settings: dict[str, object] = {
            "pm": self.PM_PERFORMANCE,
            "txpower": 20,
            "reconnects": -1,
            "dhcp_hostname": "mpy-esp32",
            "channel": 6,
        }
        self._active = self._wanted = self._connected = False
        self._ssid = self._key = ""
        self._bssid: bytes | None = None
        self._reason = 0  # why the last try failed
        self._failed = 0  # tries
        self._due = 0.0  # when the running try ends
        self._silent_since: float | None = None

    def _step(self) -> None:
        now = self._clock()
        point = self._point
        if self._air[0].hung:
            return
        if self._connected:
            if point.on and point.channel == self._channel:
                self._silent_since = None
            elif self._silent_since is None:
                self._silent_since = now
            elif now - self._silent_since >= point.beacon_s:
                self._connected = False
                self._silent_since = None
                self._reason = Codes.STAT_BEACON_TIMEOUT
                self._failed = 0
                self._due = now + point.join_s
        elif self._trying() and now >= self._due:
            self._reason = self._try()
            if self._reason:
                self._failed += 1
                self._due = now + self._point.join_s
            else:
                self._connected = True

    def _try(self) -> int:
        """Try to join. Returns why not, 0 when it worked."""
        # It takes the first that it comes across, channel by channel, not the strongest.
        found = [
            point
            for point in sorted(self._air, key=lambda point: point.channel)
            if point.on and point.ssid == self._ssid and self._bssid in (None, point.bssid)
        ]
        if not found:
            return Codes.STAT_NO_AP_FOUND
        self._point, self._channel = found[0], found[0].channel
        if self._key != found[0].password:
            return Codes.STAT_WRONG_PASSWORD
        if self._random.random() < found[0].failing:
            return self._random.choice([Codes.STAT_WRONG_PASSWORD, Codes.STAT_HANDSHAKE_TIMEOUT])
        return 0

    def _trying(self) -> bool:
        # The chip counts the first try too; -1 is for ever.
        limit = self._settings["reconnects"]
        again = not isinstance(limit, int) or limit < 0 or self._failed <= limit
        return self._wanted and not self._connected and again

    def _check_memory(self, call: str) -> None:
        """ESP_ERR_NO_MEM is none of the codes that the port has a name for."""
        failing = self._air[0].no_memory
        if failing.get(call):
            failing[call] -= 1
            raise UnknownCodeError("Wifi Unknown Error 0x0101")

    def active(self, on: object = None) -> bool:
        self._step()
        if on:
            self._check_memory("active")
        if on is not None:
            self._active = bool(on)
            if not on:
                self._wanted = self._connected = False
                first = self._air[0]
                if first.hung:
                    first.hung = False
                    if first.revived:
                        first.revived()
        return self._active

    def connect(self, ssid: str | None = None, key: str = "", *, bssid: bytes | None = None) -> None:
        self._step()
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._connected or self._trying():
            self._console("E wifi:sta is connecting, return error")
            raise OSError("Wifi Internal Error")
        self._check_memory("connect")
        if ssid is not None:
            self._ssid, self._key = ssid, key
        self._bssid = bssid
        self._wanted = True
        self._reason = self._failed = 0
        self._due = self._clock() + self._point.join_s

    def disconnect(self) -> None:
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._air[0].hung:
            return
        self._wanted = self._connected = False
        self._silent_since = None
        self._reason = 0

    def isconnected(self) -> bool:
        """Joined, and with an address."""
        self._step()
        return self._connected and self._point.dhcp

    def status(self, what: str | None = None) -> int:
        self._step()
        if what == "rssi":
            if not self._connected:
                raise OSError("Wifi Not Connected")
            return self._point.rssi
        if what is not None:
            raise ValueError("unknown status param")
        if self._connected:
            return Codes.STAT_GOT_IP if self._point.dhcp else Codes.STAT_CONNECTING
        # These two are told although it goes on trying.
        if self._trying() and self._reason not in (Codes.STAT_NO_AP_FOUND, Codes.STAT_WRONG_PASSWORD):
            return Codes.STAT_CONNECTING
        return self._reason or Codes.STAT_IDLE

    def scan(self) -> list[tuple[object, ...]]:
        if not self.active():
            raise OSError("STA must be active")
        self._check_memory("scan")
        time.sleep(self._point.scan_s)
        if self._air[0].hung:
            return []
        return [
            (
                b"" if point.hidden else point.ssid.encode(),
                point.bssid,
                point.channel,
                point.rssi,
                3 if point.password else 0,
                point.hidden,
            )
            for point in sorted(self._air, key=lambda point: -point.rssi)  # WPA2-PSK, open
            if point.on
        ]

    def ifconfig(self) -> tuple[str, str, str, str]:
        if not self.isconnected():
            return (NOWHERE, NOWHERE, NOWHERE, NOWHERE)
        return ("192.168.4.17", "255.255.255.0", "192.168.4.1", "192.168.4.1")

    def config(self, name: str | None = None, **settings: object) -> object:
        """One name to read, or settings by keyword."""
        self._step()
        if not settings.keys() <= self._settings.keys():
            raise ValueError("unknown config param")
        self._settings.update(settings)
        if name is None:
            return None
        if name == "mac":
            return self._mac
        if name in ("ssid", "essid"):
            return self._ssid
        if name not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[name]


class Interfaces(Constants):
    """`network.WLAN`"""

    def __init__(self, station: Station, soft_ap: SoftAp) -> None:
        self._all: dict[int, Station | SoftAp] = {Codes.STA_IF: station, Codes.AP_IF: soft_ap}

    def __call__(self, interface: int = Codes.STA_IF) -> Station | SoftAp:
        if interface not in self._all:
            raise ValueError("no such interface")
        return self._all[interface]


class Network(Codes):
    """The module, for one run of the chip."""

    def __init__(self, station: Station, soft_ap: SoftAp | None = None) -> None:
        self.WLAN = Interfaces(station, soft_ap or SoftAp())
        self._hostname = "mpy-esp32"

    def hostname(self, name: str | None = None) -> str | None:
        if name is None:
            return self._hostname
        if len(name) > 32:
            raise ValueError("hostname too long")
        self._hostname = name
        return None
