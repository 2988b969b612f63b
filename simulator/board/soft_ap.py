"""The access point interface of the ESP32: what firmware makes of it, and what a phone would hear.

No frame goes through it: a phone's sockets are the host's, as the station's are.
"""

from __future__ import annotations

WPA2_PSK = 3
OWN = ("192.168.4.1", "255.255.255.0", "192.168.4.1", "8.8.8.8")  # what the port begins with


class SoftAp:
    """There is one. `guests` is a test's to set: MAC addresses that have joined."""

    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self) -> None:
        self.guests: list[bytes] = []
        self._start()

    def _start(self) -> None:
        self._on = False
        self._addresses = OWN
        self._settings: dict[str, object] = {
            "ssid": "ESP_000001",
            "security": 0,
            "key": "",
            "max_clients": 10,
            "channel": 1,
            "hidden": False,
        }

    def heard(self) -> tuple[str, str, bool] | None:
        """(name, password, whether it is WPA2) that a phone meets, None when it is off."""
        if not self._on:
            return None
        settings = self._settings
        return str(settings["ssid"]), str(settings["key"]), settings["security"] == WPA2_PSK

    def active(self, on: object = None) -> bool:
        if on is not None:
            self._on = bool(on)
        return self._on

    def config(self, name: str | None = None, **settings: object) -> object:
        """One name to read, or settings by keyword. A password is between 8 and 63 bytes, as IDF wants it."""
        if not settings.keys() <= self._settings.keys():
            raise ValueError("unknown config param")
        if name is not None:
            if name == "key" or name not in self._settings:
                raise ValueError("unknown config param")
            return self._settings[name]
        wanted = {**self._settings, **settings}
        if len(str(wanted["ssid"]).encode()) > 32:
            raise ValueError("ssid too long")
        if wanted["security"] and not 8 <= len(str(wanted["key"]).encode()) <= 63:
            raise OSError("Wifi Invalid Password")
        self._settings = wanted
        return None

    def ifconfig(
        self, addresses: tuple[str, str, str, str] | None = None
    ) -> tuple[str, str, str, str] | None:
        if addresses is None:
            return self._addresses
        self._addresses = addresses
        return None

    def isconnected(self) -> bool:
        return self._on and bool(self.guests)

    def status(self, what: str | None = None) -> list[tuple[bytes]]:
        if what != "stations":
            raise ValueError("unknown status param")
        return [(mac,) for mac in self.guests]


def restart(soft_ap: SoftAp) -> None:
    """What a start of the chip leaves of it. No method: those are firmware's to find."""
    soft_ap._start()  # pyright: ignore[reportPrivateUsage]
