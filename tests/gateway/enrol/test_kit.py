"""Kit codes, by their description and not by the gateway's code; names, passwords and codes."""

from __future__ import annotations

import base64
import json
import re
import ssl
import zlib
from pathlib import Path
from typing import Any

import pytest

from gateway.config import ConfigError, Settings, load
from gateway.enrol.codes import hash_of, new_code
from gateway.enrol.errors import EnrolError
from gateway.enrol.kit import decode, make_kit, new_name, new_portal_password, new_secret
from tests.gateway.enrol.guarded import settings_for
from tests.support import REPO


def taken_apart(code: str) -> dict[str, Any]:
    """`DL1.` + base64url of the JSON without padding + `.` + its CRC-32 as 8 hex digits."""
    head, coded, crc = code.split(".")
    assert head == "DL1"
    assert re.fullmatch(r"[A-Za-z0-9_-]+", coded)
    text = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    assert crc == f"{zlib.crc32(text):08x}"
    return json.loads(text)


def test_a_kit_code_holds_what_a_node_needs(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, 1883, {"host": "mqtt.city.example", "port": 8884, "tls": True})
    kit = make_kit(settings, "praga-1", "the-secret")
    assert taken_apart(kit.code) == decode(kit.code)
    content = taken_apart(kit.code)
    assert re.fullmatch(r"[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}", content["portal"])
    assert content == {
        "node": "praga-1",
        "network": "warsaw",
        "secret": "the-secret",
        "host": "mqtt.city.example",
        "port": 8884,
        "tls": True,
        "portal": kit.portal,
    }
    assert kit.ssid == "Dustline-praga-1"
    assert "the-secret" not in repr(kit)
    assert kit.portal not in repr(kit)
    assert kit.code not in repr(kit)


def test_the_authority_goes_along(tmp_path: Path) -> None:
    der = b"\x30\x03\x02\x01\x05" * 40
    pem = tmp_path / "ca.pem"
    pem.write_text("some words before\n" + ssl.DER_cert_to_PEM_cert(der))
    enrol = {"host": "a", "tls": True, "ca_file": pem, "tls_name": "b"}
    content = taken_apart(make_kit(settings_for(tmp_path, 1883, enrol), "praga-1", "s").code)
    assert base64.b64decode(content["ca"]) == der
    assert content["name"] == "b"
    for text, why in ((2 * ssl.DER_cert_to_PEM_cert(der), "has 2 certificates"), ("nothing", "has 0 cert")):
        pem.write_text(text)
        with pytest.raises(EnrolError, match=why):
            make_kit(settings_for(tmp_path, 1883, enrol), "praga-1", "s")


def test_a_damaged_kit_code_is_told_without_its_content(tmp_path: Path) -> None:
    code = make_kit(settings_for(tmp_path, 1883, {}), "praga-1", "s").code
    for damaged in (code[:-1], code[:9] + code[10:], code.replace("DL1", "DL2"), "", "DL1..", code[:40]):
        with pytest.raises(ValueError, match="damaged or incomplete") as caught:
            decode(damaged)
        assert not damaged or damaged not in str(caught.value)


def test_only_a_broker_that_nodes_can_reach(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, 1883, {"host": ""})
    with pytest.raises(EnrolError, match=r"set enrol\.host"):
        make_kit(settings, "praga-1", "s")


def test_what_is_made_is_unique_and_of_its_form() -> None:
    settings = Settings()
    for make, form in (
        (new_secret, r"[A-Za-z0-9_-]{32}"),
        (new_portal_password, r"([2-9a-z]{4}-){2}[2-9a-z]{4}"),
        (new_code, r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}"),
        (lambda: new_name(settings), r"warsaw-[2-9a-z]{6}"),
    ):
        made = {make() for _ in range(200)}
        assert len(made) == 200
        assert all(re.fullmatch(form, each) for each in made)


def test_a_code_is_known_as_people_type_it() -> None:
    assert hash_of("k7m3 xq2p 9ftr-abo1") == hash_of("K7M3-XQ2P-9FTR-AB01")
    assert hash_of("K7M3XQ2P9FTRABOI") == hash_of("K7M3-XQ2P-9FTR-AB0l")
    assert hash_of("K7M3-XQ2P-9FTR-AB02") != hash_of("K7M3-XQ2P-9FTR-AB01")
    for no_code in ("", "K7M3", "K7M3-XQ2P-9FTR-AB0U", "K7M3-XQ2P-9FTR-AB011", "ŻÓŁW" * 4, "１" * 16):
        assert hash_of(no_code) is None


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ('broker = "files"', "needs password_file and acl_file"),
        ("page = true", 'needs broker = "files" or "dynsec"'),
        ('pid_file = "a"\nreload_command = ["b"]', "take one away"),
        ('prefix = "Praga"', "prefix must be 1 to 16 of a-z, 0-9 and -"),
        ('admin_password = "pssst"', "admin_password is given without admin_username"),
        ('tls = false\nca_file = "ca.pem"', "ca_file is given but tls is false"),
    ],
)
def test_settings_that_do_not_hold_together(tmp_path: Path, section: str, why: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f"[enrol]\n{section}\n")
    with pytest.raises(ConfigError, match=f"enrol.*{why}") as caught:
        load(file)
    assert "pssst" not in str(caught.value)


def test_paths_start_at_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[enrol]\nbroker = "files"\npassword_file = "p"\nacl_file = "a"\npid_file = "/run/pid"\n')
    enrol = load(file).enrol
    assert enrol.store == tmp_path / "dustline-enrolment.sqlite"
    assert (enrol.password_file, enrol.acl_file) == (tmp_path / "p", tmp_path / "a")
    assert enrol.pid_file == Path("/run/pid")


def test_documented_grids_are_those_of_the_code() -> None:
    from gateway.enrol.labels import GRIDS

    page = (REPO / "docs" / "enrolment.md").read_text()
    for name, grid in GRIDS.items():
        size = f"{grid.columns * grid.rows} of {grid.width:g} x {grid.height:g}"
        assert f"| `{name}` | {size} | {grid.left:g}, {grid.top:g} | {grid.gap:g} |" in page
