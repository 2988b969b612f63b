"""The kit code, Wi-Fi names and passwords, and config.json as set-up keeps it; on CPython and MicroPython."""

import binascii
import json
import os

from setup import core

KIT = {
    "node": "praga-1",
    "network": "warsaw",
    "secret": "s3cret-\u017c",
    "host": "broker.example",
    "port": 8883,
    "tls": True,
    "portal": "portal-pass",
    "ca": "MIIB",
}


def code_of(kit, crc=None):
    raw = json.dumps(kit).encode()
    body = binascii.b2a_base64(raw).decode().strip().rstrip("=").replace("+", "-").replace("/", "_")
    return f"DL1.{body}.{(binascii.crc32(raw) if crc is None else crc):08x}"


def test_a_kit_code_is_read_whatever_mail_did_to_its_lines():
    code = code_of(KIT)
    assert core.check_code(code) == (KIT, None)
    broken = "\r\n ".join([code[at : at + 40] for at in range(0, len(code), 40)])
    assert core.check_code("  " + broken + "\n") == (KIT, None)


def test_what_is_wrong_with_a_code_is_told():
    code = code_of(KIT)
    for text in ("", "DL1", "DL2" + code[3:], code[:-9], code + ".x", "DL1..", "a" * 20000):
        assert core.check_code(text) == (None, "form"), text[:50]
    assert core.check_code("DL1.\u017c.00000000")[0] is None
    assert core.check_code(code_of(KIT, 1)) == (None, "sum")
    assert core.check_code(code[:9] + ("A" if code[9] != "A" else "B") + code[10:])[0] is None
    for name, value in (
        ("node", "Praga"),
        ("node", ""),
        ("node", 5),
        ("network", "a/b"),
        ("secret", ""),
        ("host", ["x"]),
        ("port", 0),
        ("port", True),
        ("port", 70000),
        ("tls", 1),
        ("ca", 7),
        ("portal", "short"),
        ("name", 3),
    ):
        kit = dict(KIT)
        kit[name] = value
        assert core.check_code(code_of(kit)) == (None, "content"), (name, value)
    for name in ("node", "network", "secret", "host", "port", "tls"):
        kit = dict(KIT)
        del kit[name]
        assert core.check_code(code_of(kit)) == (None, "content"), name
    assert core.check_code(code_of([1])) == (None, "content")
    pair = json.dumps(KIT).replace("s3cret", "\\uD83D\\ude00").encode()
    assert core.check_kit(pair) == (None, "content"), "rather no secret than a wrong one"


def test_any_name_and_password_that_wifi_allows():
    for ssid in ("a", "\u017b\u00f3\u0142w & <b>\"'", "\U0001f600" * 8, "x" * 32):
        assert core.check_wifi(ssid, "12345678") is None, ssid
    for ssid in ("", "x" * 33, "\U0001f600" * 9, "a\0b"):
        assert core.check_wifi(ssid, "") == "ssid", ssid
    for password in ("", "12345678", "p" * 63, "0aF9" * 16, "\u017c" * 31, "<&\"' \U0001f600"):
        assert core.check_wifi("home", password) is None, password
    for password in ("1234567", "p" * 64, "0" * 65, "\u017c" * 32, "12345678\0"):
        assert core.check_wifi("home", password) == "password", password


def test_other_settings_and_other_networks_stay():
    raw = {"window_s": 30, "wifi": [{"ssid": "home", "password": "old"}, {"ssid": "b"}], "odd": [1]}
    kit = dict(KIT)
    del kit["ca"]
    got = core.merged(raw, kit, "home", "new-password")
    assert (got["window_s"], got["odd"]) == (30, [1])
    assert got["wifi"] == [{"ssid": "home", "password": "new-password"}, {"ssid": "b"}]
    assert got["broker"]["password"] == KIT["secret"]
    assert got["broker"]["user"] == got["node"] == "praga-1"
    assert got["portal"] == {"password": "portal-pass"}
    assert core.is_whole(got)
    assert not core.is_whole(raw)
    assert raw["wifi"][0]["password"] == "old", "what was given is not changed"
    for number in range(6):
        got = core.merged(got, None, f"n{number}", "12345678")
    assert [one["ssid"] for one in got["wifi"]] == ["n5", "n4", "n3", "n2"]
    assert core.merged({"wifi": "nonsense", "portal": 3}, kit, "a")["wifi"] == [{"ssid": "a", "password": ""}]


def test_saving_replaces_the_file_and_removes_the_authority_that_is_no_longer_named():
    home = os.getcwd()
    folder = "setup-core-" + binascii.hexlify(os.urandom(4)).decode()
    os.mkdir(folder)
    os.chdir(folder)
    try:
        first = core.merged(core.stored(), KIT, "home", "12345678")
        core.save(first)
        assert core.stored() == first
        other = dict(KIT)
        other["ca"] = "MIIC"
        second = core.merged(first, other)
        assert first["broker"]["ca"] != second["broker"]["ca"]
        assert first["broker"]["ca"] in os.listdir()
        core.save(second)
        assert sorted(os.listdir()) == sorted([second["broker"]["ca"], "config.json"])
        with open("config.json", "w") as file:
            file.write('{"node" praga-1')
        assert core.stored() == {}
        core.save(first)
        with open("config.bad") as file:
            assert file.read() == '{"node" praga-1', "what somebody typed is not lost"
    finally:
        for name in os.listdir():
            os.remove(name)
        os.chdir(home)
        os.rmdir(folder)


class Wifi:
    def __init__(self, found):
        self.found = found

    def scan(self):
        return self.found


def test_a_scan_gives_each_name_once_the_strongest_first():
    found = [
        (b"home", b"", 1, -80, 3, False),
        ("\u017b\U0001f600".encode(), b"", 1, -50, 0, False),
        (b"home", b"", 6, -60, 3, False),
        (b"", b"", 6, -40, 3, True),
        (b"\xff\xfe", b"", 6, -40, 3, True),
    ]
    assert core.scan(Wifi(found)) == [
        {"ssid": "\u017b\U0001f600", "rssi": -50, "open": True},
        {"ssid": "home", "rssi": -60, "open": False},
    ]
