"""paho clients by the gateway's settings: made, connected, subscribed, and left without waiting for them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from typing import TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.broker_settings import BrokerSettings
from gateway.broker_stream import StreamClient

AnyClient = TypeVar("AnyClient", bound=mqtt.Client)
# Reasons of a CONNACK, in paho's words.
BAD_LOGIN = ("Not authorized", "Bad user name or password")
BAD_PROTOCOL = "Unsupported protocol version"


def make_client(broker: BrokerSettings, client_id: str, clean: bool = False) -> mqtt.Client:
    """A paho client by the settings, not yet connected."""
    return _make(mqtt.Client, broker, client_id, clean)


def make_stream_client(broker: BrokerSettings, client_id: str, clean: bool = False) -> StreamClient:
    """The same for many messages, with a session that stays unless `clean`."""
    return _make(StreamClient, broker, client_id, clean)


def _make(kind: type[AnyClient], broker: BrokerSettings, client_id: str, clean: bool) -> AnyClient:
    v5 = broker.protocol == 5
    client = kind(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if v5 else clean,
        protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
        manual_ack=True,
    )
    if broker.username is not None:
        password = broker.password.get_secret_value() if broker.password is not None else None
        client.username_pw_set(broker.username, password)
    if broker.tls:
        # Certificate and host name are verified by default; nothing here can turn that off.
        client.tls_set(  # pyright: ignore[reportUnknownMemberType] - paho leaves cert_reqs untyped
            ca_certs=None if broker.ca_file is None else str(broker.ca_file)
        )
    client.reconnect_delay_set(1, 30)
    return client


def connect(client: mqtt.Client, broker: BrokerSettings, clean: bool = False) -> None:
    """Name the server; the connection itself is made by the client's loop."""
    if broker.protocol == 5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0 if clean else broker.session_expiry_s
        properties.ReceiveMaximum = broker.receive_maximum
        client.connect_async(
            broker.host, broker.port, broker.keepalive_s, clean_start=clean, properties=properties
        )
    else:
        client.connect_async(broker.host, broker.port, broker.keepalive_s)


def subscribe(
    client: mqtt.Client, broker: BrokerSettings, filters: Sequence[str], again: bool = False
) -> int | None:
    """Ask for the filters with QoS 1; the request's id.

    `again`: with MQTT 5, retained messages come only where the broker had forgotten the subscription.
    """
    if broker.protocol == 5:
        retained = (
            SubscribeOptions.RETAIN_SEND_IF_NEW_SUB if again else SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
        )
        options = SubscribeOptions(qos=1, retainHandling=retained)
        _, mid = client.subscribe([(each, options) for each in filters])
    else:
        _, mid = client.subscribe([(each, 1) for each in filters])
    return mid


def leave(client: mqtt.Client, seconds: float) -> bool:
    """Send what still waits to be sent and disconnect. True when the client's thread has ended by then."""
    deadline = time.monotonic() + seconds
    while client.is_connected() and client.want_write() and time.monotonic() < deadline - seconds / 2:
        time.sleep(0.01)
    client.disconnect()
    # loop_stop() waits for as long as the thread hangs.
    ending = threading.Thread(target=client.loop_stop, name="leave the broker", daemon=True)
    ending.start()
    ending.join(max(0.0, deadline - time.monotonic()))
    return not ending.is_alive()


def abandon(client: mqtt.Client) -> None:
    """Give up a client whose thread may hang: it will not connect again, and its connection is dead."""
    client.disconnect()
    connection = client.socket()
    if isinstance(connection, socket.socket):
        try:
            # Not SSLSocket's own shutdown: that one takes the encryption away under a thread that uses it.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
        except OSError:
            return  # closed meanwhile: just what is wanted


def advice(reason: str) -> str:
    """What to do about a connection that the broker refuses."""
    if reason in BAD_LOGIN:
        return "check broker.username and DUSTLINE_BROKER__PASSWORD against the broker's password file"
    if reason == BAD_PROTOCOL:
        return "set broker.protocol to 311, or use the broker's port for MQTT 5"
    return "see the broker's log"
