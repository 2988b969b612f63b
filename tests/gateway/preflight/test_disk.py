"""The journal's disk: kind, room, speed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings
from gateway.journal import Journal
from gateway.preflight import disk
from gateway.preflight.disk import check_file, check_filesystem, check_space, check_speed
from gateway.preflight.rate import Rate
from tests.gateway.conftest import make_settings

SLOW = Rate(2.0, "test")


def settings(tmp_path: Path, **more: Any) -> Settings:
    return make_settings(tmp_path, 1, **more)


@pytest.mark.parametrize(
    ("mounts", "level", "word"),
    [
        ("/dev/sda1 / ext4 rw 0 0", "ok", "ext4"),
        ("/dev/sda1 / ext4 rw 0 0\nserver:/x {} nfs4 rw 0 0", "fail", "nfs4"),
        ("/dev/sda1 / nfs rw 0 0\n/dev/sdb1 {} xfs rw 0 0", "ok", "xfs"),
        ("/dev/sdb1 {} xfs rw 0 0\n/dev/sda1 / nfs rw 0 0", "ok", "xfs"),
        ("/dev/sda1 / ext4 rw 0 0\n//nas/x {} cifs rw 0 0", "fail", "cifs"),
        ("none {} tmpfs rw 0 0", "fail", "power cut"),
        ("overlay / overlay rw 0 0", "warn", "volume"),
        ("a {} fuse.s3fs rw 0 0", "warn", "not known"),
        ("", "warn", "cannot be seen"),
    ],
)
def test_file_system_must_suit(mounts: str, level: str, word: str, tmp_path: Path) -> None:
    home = tmp_path / "with a blank"
    home.mkdir()
    (tmp_path / "mounts").write_text(mounts.format(str(home).replace(" ", "\\040")) + "\n")
    found = check_filesystem(home / "deeper" / "journal.sqlite")
    assert found.level == level
    assert word in found.text
    assert bool(found.change) is (level == "fail" or "volume" in word or "not known" in word)


def test_this_machines_mounts_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOUNTS", Path("/proc/mounts"))
    assert "cannot be seen" not in check_filesystem(tmp_path / "journal.sqlite").text


class Disk:
    """Stands for os.statvfs's answer."""

    def __init__(self, free: int, flags: int = 0, inodes: int = 10**6) -> None:
        self.f_bavail, self.f_frsize, self.f_flag = free // 4096, 4096, flags
        self.f_files, self.f_favail = 10**6, inodes


@pytest.mark.parametrize(("about", "word"), [(Disk(1, os.ST_RDONLY), "read-only"), (Disk(1, 0, 5), "inodes")])
def test_disk_that_takes_no_file(
    about: Disk, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: about)
    found = check_filesystem(tmp_path / "journal.sqlite")
    assert found.level == "fail"
    assert word in found.text


@pytest.mark.parametrize(
    ("free_gb", "journal", "level", "change"),
    [
        (0.1, {}, "fail", "path = "),
        (100, {"max_mb": 5000}, "ok", ""),
        # 2/s of 200 bytes are 35 MB a day.
        (100, {"keep_days": 1000, "max_mb": 0}, "ok", ""),
        (10, {"keep_days": 1000, "max_mb": 0}, "warn", "max_mb = 7999"),
        (100, {}, "ok", ""),
        (10, {}, "warn", "max_mb = 7999"),
        (0.5, {"max_mb": 5000}, "fail", "max_mb = 399"),
    ],
)
def test_room_for_what_is_to_be_kept(
    free_gb: float, journal: dict[str, Any], level: str, change: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: Disk(int(free_gb * 1e9)))
    found = check_space(settings(tmp_path, journal=journal), SLOW)
    assert found.level == level, found
    assert change in " ".join(found.change)
    assert bool(found.change) is bool(change)


def test_speed_is_measured_on_the_journals_disk_and_judged_by_the_rate(tmp_path: Path) -> None:
    found, speed = check_speed(settings(tmp_path), SLOW)
    assert found.level == "ok"
    assert speed is not None
    assert (speed.batch, speed.seconds > 0) == (500, True)
    found, _ = check_speed(settings(tmp_path), Rate(1e9, "test"))
    assert found.level == "fail"
    assert "path =" in found.change[0]
    # Of the trial nothing stays.
    assert [each.name for each in tmp_path.iterdir()] == ["mounts"]


def test_journal_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    assert check_file(tmp_path / "text").level == "fail"
    assert check_file(tmp_path / "new.sqlite").level == "ok"


def test_disk_on_which_sqlite_cannot_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise sqlite3.OperationalError("locking protocol")

    monkeypatch.setattr(Journal, "commit", refuse)
    found, speed = check_speed(settings(tmp_path), SLOW)
    assert (found.level, speed) == ("fail", None)
    assert "locking protocol" in found.text
