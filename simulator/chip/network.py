"""Stand-in for MicroPython's `network` on the ESP32: one access point, up while the chip's `up_file` exists.

The sockets are the host's: what Wi-Fi does here is what firmware sees of it through WLAN.
Times: joining takes "join_ms" (300), a lost access point is noticed after "beacon_ms" (1000); the chip needs
some seconds for both. Few functions, long ones: each costs the firmware's heap a quarter of a kilobyte.
"""

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


def _router_on():
    try:
        os.stat(_wifi["up_file"])
        return True
    except (OSError, KeyError):
        return False


class WLAN:
    """The station interface. What the chip's Wi-Fi task knows is kept in the class: all objects are one.

    It moves on whenever it is asked. Once asked to connect it tries again by itself until disconnect(), or
    until more than config(reconnects=N) tries failed.
    """

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _settings = {"pm": 1, "txpower": 20, "reconnects": -1, "dhcp_hostname": "mpy-esp32", "channel": 6}
    # After a soft reset Wi-Fi is still up.
    _active = _wanted = _connected = bool(_wifi.get("joined"))
    _ssid = _wifi.get("ssid")
    _key = _wifi.get("password")
    _reason = 0  # why the last try failed
    _failed = 0  # tries
    _due = 0  # when the running try ends, or the silence of a lost router is noticed
    _silent = False

    def __init__(self, interface=STA_IF):
        if interface != STA_IF:
            raise ValueError("the simulated chip has the station interface only")

    def _step(self):
        _chip.tick()
        this = WLAN
        now = time.ticks_ms()
        if this._connected:
            if _router_on():
                this._silent = False
            elif not this._silent:
                this._silent = True
                this._due = time.ticks_add(now, _wifi.get("beacon_ms", 1000))
            elif time.ticks_diff(now, this._due) >= 0:
                this._connected = this._silent = False
                this._reason = STAT_BEACON_TIMEOUT
                this._failed = 0
                this._due = time.ticks_add(now, _wifi.get("join_ms", 300))
        elif self._trying() and time.ticks_diff(now, this._due) >= 0:
            if not _router_on() or this._ssid != _wifi["ssid"]:
                this._reason = STAT_NO_AP_FOUND
            elif this._key != _wifi["password"]:
                this._reason = STAT_WRONG_PASSWORD
            else:
                this._connected = True
                this._reason = 0
                return
            this._failed += 1
            this._due = time.ticks_add(now, _wifi.get("join_ms", 300))

    def _trying(self):
        # The chip counts the first try too; -1 is for ever.
        limit = self._settings["reconnects"]
        return WLAN._wanted and not WLAN._connected and (limit < 0 or WLAN._failed <= limit)

    def active(self, on=None):
        self._step()
        if on is not None:
            WLAN._active = bool(on)
            if not on:
                WLAN._wanted = WLAN._connected = False
        return WLAN._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._step()
        if not WLAN._active:
            raise OSError("Wifi Not Started")
        if WLAN._connected or self._trying():
            _chip.say("E wifi:sta is connecting, return error")
            raise OSError("Wifi Internal Error")
        if ssid is not None:
            WLAN._ssid, WLAN._key = ssid, key
        WLAN._wanted = True
        WLAN._reason = WLAN._failed = 0
        WLAN._due = time.ticks_add(time.ticks_ms(), _wifi.get("join_ms", 300))

    def disconnect(self):
        if not WLAN._active:
            raise OSError("Wifi Not Started")
        WLAN._wanted = WLAN._connected = WLAN._silent = False
        WLAN._reason = 0

    def isconnected(self):
        self._step()
        return WLAN._connected

    def status(self, what=None):
        self._step()
        if what == "rssi":
            if not WLAN._connected:
                raise OSError("Wifi Not Connected")
            return _wifi.get("rssi", -61)
        if what is not None:
            raise ValueError("unknown status param")
        if WLAN._connected:
            return STAT_GOT_IP
        # These two are told although it goes on trying.
        if self._trying() and WLAN._reason not in (STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD):
            return STAT_CONNECTING
        return WLAN._reason or STAT_IDLE

    def scan(self):
        if not self.active():
            raise OSError("STA must be active")
        time.sleep_ms(_wifi.get("scan_ms", 200))
        if not _router_on():
            return []
        security = 3 if _wifi["password"] else 0  # WPA2-PSK, open
        return [(_wifi["ssid"].encode(), b"\x02\0\0\0\0\x01", 6, _wifi.get("rssi", -61), security, False)]

    def ifconfig(self):
        if not self.isconnected():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")  # noqa: S104 - what the chip answers
        return ("192.168.4.17", "255.255.255.0", "192.168.4.1", "192.168.4.1")

    def config(self, name=None, **settings):
        """One name to read, or settings by keyword."""
        self._step()
        for key in settings:
            if key not in self._settings:
                raise ValueError("unknown config param")
        self._settings.update(settings)
        if name is None:
            return None
        if name == "mac":
            return bytes.fromhex(_chip.description["unique_id"])
        if name in ("ssid", "essid"):
            return WLAN._ssid or ""
        if name not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[name]


_chip.wlan = WLAN
