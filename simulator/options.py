"""What a simulated node is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NodeOptions:
    """What a node is and where it sends; the times are the firmware's config.json."""

    name: str
    model: str = "sds011"
    network: str = "warsaw"
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    user: str | None = None
    password: str | None = None
    ntp: tuple[str, ...] = ()
    ssid: str = "dustline"
    wifi_password: str = "particles"  # noqa: S105 - of a router that does not exist
    warmup_s: int = 30
    window_s: int = 60
    sleep_s: int = 0
    health_s: int = 600
    ack_timeout_s: int = 20
    keepalive_s: int = 60
    seed: int = 0
    heap: str = "128k"
    # All traffic goes through a router that cut_wifi() silences; its far side never hears of a power cut.
    # Without it cutting Wi-Fi is seen through WLAN only: the sockets are the host's and stay open.
    router: bool = False

    def config(self) -> dict[str, Any]:
        """The content of config.json."""
        broker = {
            "host": self.broker_host,
            "port": self.broker_port,
            "user": self.user,
            "password": self.password,
        }
        return {
            "node": self.name,
            "network": self.network,
            "wifi": [{"ssid": self.ssid, "password": self.wifi_password}],
            "broker": broker,
            "ntp": list(self.ntp),
            "sensors": [{"slot": "a", "model": self.model, "uart": 1, "tx": 17, "rx": 16}],
            "warmup_s": self.warmup_s,
            "window_s": self.window_s,
            "sleep_s": self.sleep_s,
            "health_s": self.health_s,
            "ack_timeout_s": self.ack_timeout_s,
            "keepalive_s": self.keepalive_s,
        }
