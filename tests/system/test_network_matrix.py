"""CI's form of `make network`."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from bench.network.liar import Liar
from bench.network.run import every_case, failures, play, table
from bench.network.tls_cases import make_papers
from tests.firmware.certificates import make_ca, make_server_certificate
from tests.support import wait_for

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_micropython]

SEED = 4
REFUSED = {"expired", "not-yet", "wrong-host", "wrong-ca", "self-signed", "no-tls", "no-ca"}


PARTS = 3  # side by side, each with a broker and a gateway of its own


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_reading_through_every_bad_network_and_nothing_to_wrong_servers(
    tmp_path: Path, part: int
) -> None:
    outcomes = play(tmp_path, fast=True, seed=SEED, part=(part, PARTS))
    print(f"seed {SEED}", *table(outcomes), sep="\n")
    assert failures(outcomes) == []
    assert [one.name for one in outcomes if not one.well] == []
    notes = {one.name: one.note for one in outcomes}
    assert "40 of" in notes.get("every-byte", "40 of")
    assert "24 of" in notes.get("tls-bytes", "24 of")


def test_the_parts_are_the_whole(tmp_path: Path) -> None:
    names = [case.name for case in every_case(make_papers(tmp_path), fast=True)]
    assert len(names) == len(set(names))
    assert set(names) > REFUSED | {"every-byte", "tls-bytes"}


def test_the_liar_counts_what_it_is_told(tmp_path: Path) -> None:
    """Or it would prove nothing that it heard nothing."""
    ca = make_ca(tmp_path)
    trusting = ssl.create_default_context(cafile=str(ca.pem))
    liar = Liar(make_server_certificate(ca, ("broker.example",)))
    try:
        plain = socket.create_connection(("127.0.0.1", liar.port))
        with trusting.wrap_socket(plain, server_hostname="broker.example") as secure:
            secure.sendall(b"ten bytes.")
            wait_for(lambda: liar.heard == 10, what="ten bytes inside TLS")
        with socket.create_connection(("127.0.0.1", liar.port)) as plain:
            plain.sendall(b"\x10\x0cin the clear")
            wait_for(lambda: liar.heard == 24, what="bytes without TLS")
    finally:
        liar.close()
