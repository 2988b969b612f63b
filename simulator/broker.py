"""The embedded MQTT broker of the demo: rumqttd through the package iotcore, in a child process.

It speaks MQTT 3.1.1 and MQTT 5 on two ports; clients of both reach each other. It keeps nothing on disk: a
restart forgets sessions and retained messages. It ends when this process does.
"""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path

from simulator.runtime import SimulatorError

HOST = "127.0.0.1"
# The contract's largest message is 8 KiB; the rest is room to test what happens above it.
MAX_PAYLOAD = 131072
START_S = 20.0

_LISTENER = """
[{version}.1]
name = "{version}"
listen = "{host}:{port}"
next_connection_delay_ms = 1
    [{version}.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {max_payload}
    max_inflight_count = 100
    dynamic_filters = true
"""

_ROUTER = """id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10
"""


class EmbeddedBroker:
    """start(), stop() and restart() on the same two ports of 127.0.0.1, from any thread."""

    host = HOST

    def __init__(self, mqtt311_port: int, mqtt5_port: int, directory: Path | None = None) -> None:
        """`directory` takes the broker's configuration file; without it a temporary one does."""
        self.mqtt311_port = mqtt311_port
        self.mqtt5_port = mqtt5_port
        self._temporary = tempfile.TemporaryDirectory(prefix="dustline-") if directory is None else None
        folder = Path(self._temporary.name) if self._temporary else directory
        assert folder is not None
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "rumqttd.toml"
        config.write_text(
            _ROUTER
            + _LISTENER.format(version="v4", host=HOST, port=mqtt311_port, max_payload=MAX_PAYLOAD)
            + _LISTENER.format(version="v5", host=HOST, port=mqtt5_port, max_payload=MAX_PAYLOAD)
        )
        try:
            from iotcore import Broker
        except ImportError as error:
            raise SimulatorError(
                f"the embedded broker needs the package iotcore ({error}): pip install 'dustline[sim]'"
            ) from error
        self._broker = Broker(config_path=str(config))

    @property
    def running(self) -> bool:
        return self._broker.is_running

    def start(self) -> EmbeddedBroker:
        """Returns when both ports accept connections. Raises SimulatorError when one is taken."""
        # Ctrl-C in a terminal goes to all its processes: the broker has to outlive the nodes' farewell.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._broker.start(timeout=START_S)
        except OSError as error:
            raise SimulatorError(
                f"the broker cannot listen on {HOST}, ports {self.mqtt311_port} (MQTT 3.1.1) and "
                f"{self.mqtt5_port} (MQTT 5): {error}"
            ) from error
        except RuntimeError as error:
            raise SimulatorError(f"the embedded broker did not start: {error}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def stop(self) -> None:
        """Cut every connection and free the ports. Safe to call twice."""
        self._broker.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """stop(), and remove the temporary directory."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> EmbeddedBroker:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
