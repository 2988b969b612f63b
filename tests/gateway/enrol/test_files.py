"""The password file: who may change it, what stays, and a reload that is proved and not hoped for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.enrol.enroller import Enroller
from gateway.enrol.errors import EnrolError
from gateway.enrol.password_file import hashed
from gateway.enrol.store import Store
from tests.gateway.enrol.guarded import GATEWAY, lets_in, secret_of, settings_for
from tests.support import wait_for


def again(guarded: Any, tmp_path: Path, **changes: Any) -> Enroller:
    """With other settings of enrolment."""
    return Enroller(settings_for(tmp_path, guarded.port, {**guarded.enrol, **changes}))


def test_a_hash_has_the_form_of_mosquitto_passwds(tmp_path: Path) -> None:
    file = tmp_path / "theirs"
    file.touch()
    subprocess.run(["mosquitto_passwd", "-b", file, "a", "secret"], check=True, stderr=subprocess.DEVNULL)
    theirs = file.read_text().strip().partition(":")[2].split("$")
    ours = hashed("secret").split("$")
    assert [len(part) for part in ours] == [len(part) for part in theirs]
    assert ours[:3] == theirs[:3]
    assert hashed("secret") != hashed("secret")


def test_other_lines_mode_and_owner_stay(guarded_by: Any) -> None:
    guarded = guarded_by("files")
    file: Path = guarded.settings.enrol.password_file
    with file.open("ab") as out:
        out.write(b"# \xff by hand\nsomebody:$7$101$c2FsdA==$aGFzaA==")  # the last line without its end
    file.chmod(0o640)
    owner = (4242, 4343) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    if os.geteuid() == 0:
        os.chown(file, *owner)
    before = file.read_bytes().splitlines()
    guarded.enroller.enrol({"praga-1": None, "wola-2": None})
    guarded.enroller.revoke("praga-1")
    after = file.read_bytes().splitlines()
    assert after[: len(before)] == before
    assert [line.partition(b":")[0] for line in after[len(before) :]] == [b"wola-2", b"dustline-probe"]
    found = file.stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o640, *owner)
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".passwords")] == []


def test_any_command_reloads(guarded_by: Any, tmp_path: Path) -> None:
    guarded = guarded_by("files")
    command = ["sh", "-c", f"kill -HUP $(cat {guarded.enrol['pid_file']})"]
    (kit,) = again(guarded, tmp_path, pid_file=None, reload_command=command).enrol({"praga-1": None})
    assert lets_in(guarded.port, "praga-1", secret_of(kit))


def test_somebody_elses_reload_is_waited_for(guarded_by: Any, tmp_path: Path) -> None:
    guarded = guarded_by("files")
    file = guarded.settings.enrol.password_file
    watch = f"until grep -q praga-1 {file}; do sleep 0.05; done; kill -HUP $(cat {guarded.enrol['pid_file']})"
    watcher = subprocess.Popen(["sh", "-c", watch])
    try:
        (kit,) = again(guarded, tmp_path, pid_file=None).enrol({"praga-1": None})
        assert lets_in(guarded.port, "praga-1", secret_of(kit))
    finally:
        watcher.kill()
        watcher.wait()


NO_RELOAD: list[tuple[dict[str, Any], str]] = [
    ({"pid_file": None}, "has not read .* again within 1 s"),
    ({"pid_file": None, "reload_command": ["false"]}, "failed with exit code 1"),
    ({"pid_file": None, "reload_command": ["/no/such/program"]}, "cannot be run"),
    ({"pid_file": Path("/no/such/file")}, "cannot be told"),
]


@pytest.mark.parametrize(("changes", "why"), NO_RELOAD)
def test_without_a_reload_nothing_is_claimed(
    guarded_by: Any, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    guarded = guarded_by("files")
    (old,) = (secret_of(kit) for kit in guarded.enroller.enrol({"praga-1": None}))
    file = guarded.settings.enrol.password_file
    before = file.read_text()
    enroller = again(guarded, tmp_path, reload_s=1, **changes)
    with pytest.raises(EnrolError, match=why + r".*The password file is as it was before"):
        enroller.enrol({"wola-2": None})
    with pytest.raises(EnrolError, match="as it was before"):
        enroller.replace("praga-1")
    assert file.read_text() == before
    assert lets_in(guarded.port, "praga-1", old)
    # Who is revoked is out of the file all the same, and nobody says that the broker knows.
    with pytest.raises(EnrolError, match="the broker does NOT know it yet"):
        enroller.revoke("praga-1")
    assert "praga-1" not in file.read_text()
    with Store(guarded.settings.enrol.store) as store:
        assert store.state("praga-1") == "enrolled"
    # Said again with a reload that works, it is done.
    guarded.enroller.revoke("praga-1")
    assert not lets_in(guarded.port, "praga-1", old)


def test_no_signal_goes_to_another_process(guarded_by: Any, tmp_path: Path) -> None:
    guarded = guarded_by("files")
    other = subprocess.Popen(["sleep", "60"])  # SIGHUP would end it
    try:
        stale = tmp_path / "stale.pid"
        stale.write_text(str(other.pid))
        wait_for(lambda: Path(f"/proc/{other.pid}/comm").read_text().strip() == "sleep", what="the process")
        with pytest.raises(EnrolError, match="is no Mosquitto"):
            again(guarded, tmp_path, pid_file=stale).enrol({"praga-1": None})
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_file_that_cannot_be_exchanged_is_left_alone(
    guarded_by: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = guarded_by("files")
    file = guarded.settings.enrol.password_file
    before = file.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnrolError, match=r"cannot be exchanged .No space left on device"):
        guarded.enroller.enrol({"praga-1": None})
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".passwords")] == []
    assert lets_in(guarded.port, *GATEWAY.values())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rules: rules.replace("pattern readwrite dl/1/+/+/%u/#\n", ""), "does not let praga-1 write"),
        (lambda rules: rules.replace("%u/#", "%u/readings"), "does not let praga-1 write its own status"),
        (lambda rules: rules + "pattern read dl/1/#\n", "lets praga-1 read the .* of every node"),
        (lambda rules: rules.replace("/%u/#", "/+/#"), "lets praga-1 read the .* of every node"),
    ],
)
def test_rules_that_do_not_hold_a_node_are_refused(guarded_by: Any, change: Any, why: str) -> None:
    guarded = guarded_by("files")
    acl = guarded.settings.enrol.acl_file
    acl.write_text(change(acl.read_text()))
    with pytest.raises(EnrolError, match=why):
        guarded.enroller.enrol({"praga-1": None})
    assert "praga-1" not in guarded.settings.enrol.password_file.read_text()
