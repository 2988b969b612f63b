"""Stand-in for MicroPython's `network` on the ESP32: one access point, up while the chip's `up_file` exists.

The sockets are the host's: what Wi-Fi does here is what firmware sees of it through WLAN.
Times: joining takes "join_ms" (300), a lost access point is noticed after "beacon_ms" (1000); the chip needs
some seconds for both.
"""

import binascii
import os
import time

import _chip

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

_wifi = _chip.description.get("wifi") or {}
_hostname = "mpy-esp32"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError("hostname too long")
    _hostname = name
    return None


def _router_on():
    try:
        os.stat(_wifi["up_file"])
        return True
    except (OSError, KeyError):
        return False


class _Station:
    """What the chip's Wi-Fi task knows; one for all WLAN objects. Moves on whenever it is asked."""

    def __init__(self):
        self.active = False
        self.ssid = self.password = None
        self.requested = False  # keeps trying by itself until disconnect(), as the chip does
        self.connected = False
        self.reason = 0
        self.attempts = 0
        self.reconnects = 0  # 0: for ever
        self.due = 0  # when the running attempt ends, or the silence is noticed
        self.silent = False
        self.power_saving = 1
        self.tx_power = 20
        if _wifi.get("joined"):  # after a soft reset
            self.active = self.requested = self.connected = True
            self.ssid, self.password = _wifi["ssid"], _wifi["password"]

    def trying(self):
        return self.requested and not self.connected and not self._exhausted()

    def _exhausted(self):
        return self.reconnects and self.attempts >= self.reconnects

    def begin(self):
        self.requested = True
        self.reason = 0
        self.attempts = 0
        self._attempt()

    def _attempt(self):
        self.due = time.ticks_add(time.ticks_ms(), _wifi.get("join_ms", 300))

    def _outcome(self):
        """0 for success or the reason why this attempt fails."""
        if not _router_on() or self.ssid != _wifi["ssid"]:
            return STAT_NO_AP_FOUND
        if self.password != _wifi["password"]:
            return STAT_WRONG_PASSWORD
        return 0

    def step(self):
        _chip.tick()
        now = time.ticks_ms()
        if self.connected:
            if _router_on():
                self.silent = False
            elif not self.silent:
                self.silent = True
                self.due = time.ticks_add(now, _wifi.get("beacon_ms", 1000))
            elif time.ticks_diff(now, self.due) >= 0:
                self.connected = self.silent = False
                self.reason = STAT_BEACON_TIMEOUT
                self.attempts = 0
                self._attempt()
        elif self.trying() and time.ticks_diff(now, self.due) >= 0:
            self.reason = self._outcome()
            if self.reason:
                self.attempts += 1
                self._attempt()
            else:
                self.connected = True

    def drop(self):
        self.requested = self.connected = self.silent = False
        self.reason = 0

    def status(self):
        if self.connected:
            return STAT_GOT_IP
        if self.reason in (STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD):
            return self.reason  # although it goes on trying
        if self.trying():
            return STAT_CONNECTING
        return self.reason or STAT_IDLE


_station = _Station()


def _joined():
    _station.step()
    return _station.connected


_chip.wifi_joined = _joined


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface=STA_IF):
        if interface == AP_IF:
            raise NotImplementedError("the simulator has no access point mode yet")
        if interface != STA_IF:
            raise ValueError("invalid WLAN interface identifier")

    def active(self, on=None):
        _station.step()
        if on is not None:
            _station.active = bool(on)
            if not on:
                _station.drop()
        return _station.active

    def connect(self, ssid=None, key=None, *, bssid=None):
        _station.step()
        if not _station.active:
            raise OSError("Wifi Not Started")
        if _station.connected or _station.trying():
            _chip.say("E wifi:sta is connecting, return error")
            raise OSError("Wifi Internal Error")
        if ssid is not None:
            _station.ssid = ssid.decode() if isinstance(ssid, bytes) else ssid
            _station.password = key.decode() if isinstance(key, bytes) else key
        _station.begin()

    def disconnect(self):
        _station.step()
        if not _station.active:
            raise OSError("Wifi Not Started")
        _station.drop()

    def isconnected(self):
        _station.step()
        return _station.connected

    def status(self, what=None):
        _station.step()
        if what is None:
            return _station.status()
        if what != "rssi":
            raise ValueError("unknown status param")
        if not _station.connected:
            raise OSError("Wifi Not Connected")
        return _wifi.get("rssi", -61)

    def scan(self):
        _station.step()
        if not _station.active:
            raise OSError("STA must be active")
        time.sleep_ms(_wifi.get("scan_ms", 200))
        if not _router_on():
            return []
        security = 3 if _wifi["password"] else 0  # WPA2-PSK, open
        return [(_wifi["ssid"].encode(), b"\x02\0\0\0\0\x01", 6, _wifi.get("rssi", -61), security, False)]

    def ifconfig(self, settings=None):
        _station.step()
        if not _station.connected:
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")  # noqa: S104 - what the chip answers
        return ("192.168.4.17", "255.255.255.0", "192.168.4.1", "192.168.4.1")

    def config(self, *names, **settings):
        _station.step()
        if names and settings:
            raise TypeError("either pos or kw args are allowed")
        if len(names) == 1:
            return self._get(names[0])
        if names:
            raise TypeError("can query only one param")
        for name, value in settings.items():
            self._set(name, value)
        return None

    def _get(self, name):
        if name == "mac":
            return binascii.unhexlify(_chip.description["unique_id"])
        if name in ("ssid", "essid"):
            return _station.ssid or ""
        if name == "channel":
            return 6
        if name == "reconnects":
            return _station.reconnects - 1
        if name == "pm":
            return _station.power_saving
        if name == "txpower":
            return _station.tx_power
        if name in ("hostname", "dhcp_hostname"):
            return _hostname
        raise ValueError("unknown config param")

    def _set(self, name, value):
        if name == "reconnects":
            # The chip counts the first attempt too; -1 is for ever.
            _station.reconnects = 0 if value == -1 else value + 1
        elif name == "pm":
            _station.power_saving = value
        elif name == "txpower":
            _station.tx_power = value
        elif name in ("hostname", "dhcp_hostname"):
            hostname(value)
        else:
            raise ValueError("unknown config param")
