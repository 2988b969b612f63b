"""Acks that the broker refuses: counted, told now and then with what to change. Nothing stops for them."""

from __future__ import annotations

import time

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from gateway.broker_stream import Refusal

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# It takes a person to put that right, and each batch of each node brings another.
QUIET_SECONDS = 3600.0
# Mosquitto 2.0.11 with `max_queued_messages 0` ends the connection with each refused message. So after such
# an end acks are held back for a while: else receiving would be one connection a second.
HOLD_SECONDS = 30.0
_NOT_AUTHORIZED = 0x87


class Refusals:
    """MQTT 5 only: the PUBACK of 3.1.1 has no reason code, there a broker may drop what it takes unsaid."""

    def __init__(self, network: str, quiet_s: float = QUIET_SECONDS) -> None:
        self._network = network
        self._quiet_s = quiet_s
        self._quiet_until = 0.0
        self._refused_at = self._held_until = -HOLD_SECONDS
        self.count = 0

    @property
    def holding(self) -> bool:
        """Whether acks are not to be sent now. Those not sent are to be added to `count`."""
        return time.monotonic() < self._held_until

    def connected(self) -> bool:
        """At each connection: whether acks that wait are to be dropped, as one ended the last."""
        now = time.monotonic()
        if now - self._refused_at >= HOLD_SECONDS:
            return False
        self._held_until, self._refused_at = now + HOLD_SECONDS, -HOLD_SECONDS
        return True

    def tell(self, client: mqtt.Client, refused: list[Refusal]) -> None:
        """Called in paho's thread. The acks are gone; a node without one sends its readings again."""
        self.count += len(refused)
        now = self._refused_at = time.monotonic()
        if now < self._quiet_until:
            return
        self._quiet_until = now + self._quiet_s
        topic, reason = refused[-1]
        log.error(
            "the broker refuses our acks: the readings are safe, but the nodes keep them and send them again",
            topic=topic.decode(),
            reason=_name(reason),
            refused=self.count,
            advice=self._advice(reason, client.username),
        )

    def _advice(self, reason: int, user: str | None) -> str:
        if reason != _NOT_AUTHORIZED:
            return "see the broker's log"
        under = (
            "before the first `user` line (we log in without a name)"
            if user is None
            else f"under `user {user}`"
        )
        return f"in the broker's access rules write, {under}: topic write dl/1/{self._network}/+/+/ack"


def _name(reason: int) -> str:
    try:
        return str(ReasonCode(PacketTypes.PUBACK, identifier=reason))
    except (KeyError, ValueError):
        return f"reason code {reason:#04x}"
