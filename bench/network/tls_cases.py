"""The cases with TLS: a bad network under it, and servers that are not the right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.network.cases import Case, stays
from bench.network.liar import Liar
from bench.network.stage import Stage
from bench.network.sweep import every_byte
from simulator.bad_network import Fault
from simulator.options import TlsOptions
from tests.firmware.certificates import Certificate, make_ca, make_server_certificate

NAME = "broker.dustline.example"


@dataclass(frozen=True)
class Papers:
    """The right authority and the right broker's certificate; and wrong ones by what is wrong."""

    ca: Certificate
    broker: Certificate
    wrong: dict[str, Certificate]

    def options(self) -> dict[str, Any]:
        return {"tls": TlsOptions(ca=self.ca.der, name=NAME)}


def make_papers(directory: Path) -> Papers:
    ca, other = make_ca(directory), make_ca(directory)  # of the same name, as an impostor's would be
    now, day = datetime.now(UTC), timedelta(days=1)
    names = (NAME, "127.0.0.1")
    return Papers(
        ca,
        make_server_certificate(ca, names),
        {
            "expired": make_server_certificate(ca, names, now - 30 * day, now - day),
            "not-yet": make_server_certificate(ca, names, now + day, now + 30 * day),
            "wrong-host": make_server_certificate(ca, ("other.dustline.example",)),
            "wrong-ca": make_server_certificate(other, names),
            "self-signed": make_server_certificate(None, names, directory=directory),
        },
    )


# case: (what happens, what the node says of it)
REFUSALS = {
    "expired": ("the broker's certificate has expired", "its certificate has expired"),
    "not-yet": ("the certificate is not valid yet", "is not valid yet"),
    "wrong-host": ("the certificate is for another host", "is for another name"),
    "wrong-ca": ("the certificate is from another CA of the same name", "is not signed by the pinned CA"),
    "self-signed": ("the certificate is signed by itself", "is not signed by the pinned CA"),
}


def tls_cases(papers: Papers, fast: bool) -> list[Case]:
    options = papers.options()
    sweep = every_byte(4, 24, **options) if fast else every_byte(24, 600, **options)
    return [
        Case("tls", "TLS, a good network", stays(Fault(), **options)),
        Case("tls-pieces", "TLS, every byte for itself", stays(Fault(piece=1), **options)),
        Case("tls-delay", "TLS, 0.3 to 0.8 s each way", stays(Fault(delay_s=0.3, jitter_s=0.5), **options)),
        Case("tls-silence", "TLS, half-open in the handshake, three times", _silent_handshakes(options)),
        Case("tls-bytes", "TLS, reset at a sample of bytes, handshake included", sweep),
        *[
            Case(name, f"TLS, {what}", _refused(papers.wrong[name], words, options))
            for name, (what, words) in REFUSALS.items()
        ],
        Case("no-tls", "TLS wanted, and the server knows none", _refused(None, "mqtt:", options)),
        Case("no-ca", "TLS wanted, and the CA's file is missing", _without_ca(papers)),
    ]


def _silent_handshakes(options: dict[str, Any]) -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        stage.network(tls=True).script(lambda number: Fault(silent_down=500 if number < 3 else None))
        stage.make(stage.net, **options).start()
        stage.until_connected()
        stage.last(5)

    return play


def _refused(server: Certificate | None, words: str, options: dict[str, Any]) -> Callable[[Stage], None]:
    """The node meets the wrong server first, and the right one later."""

    def play(stage: Stage) -> None:
        liar = Liar(server)
        try:
            net = stage.network(tls=True)
            net.lead_to(liar.port)
            stage.make(net, **options).start()
            stage.until(lambda: liar.heard or stage.log().count(words) >= 3, words)
            stage.last(10)
            stage.note = f"refused {liar.asked} times: " + _reason(stage.log())
            net.lead_to(stage.world.tls_port)
            stage.until_connected()
        finally:
            stage.leaked = liar.heard
            liar.close()

    return play


def _without_ca(papers: Papers) -> Callable[[Stage], None]:
    """Nothing is sent, not even unencrypted; then the file is there."""

    def play(stage: Stage) -> None:
        liar = Liar(papers.broker)
        try:
            net = stage.network(tls=True)
            net.lead_to(liar.port)
            node = stage.make(net, tls=TlsOptions(name=NAME)).start()
            words = "without it nothing is sent"
            stage.until(lambda: liar.heard or stage.log().count(words) >= 3, words)
            stage.last(10)
            stage.note = f"asked {liar.asked} times: " + _reason(stage.log())
            net.lead_to(stage.world.tls_port)
            (node.flash / "ca.der").write_bytes(papers.ca.der.read_bytes())
            stage.until_connected()
        finally:
            stage.leaked = liar.heard
            liar.close()

    return play


def _reason(log: str) -> str:
    """What the node says last of why it is not connected."""
    said = [line for line in log.splitlines() if line.startswith("mqtt: ")]
    return said[-1].removeprefix("mqtt: ") if said else "nothing"
