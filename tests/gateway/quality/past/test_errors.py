"""What `dustline reprocess` says when an InfluxDB cannot be read: which setting; and nothing has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.quality.reprocess.past import fetch, influxql
from tests.gateway.destinations.servers import Influx1, Victoria
from tests.gateway.quality.correcting import (
    HOURS,
)
from tests.gateway.quality.judging import T0
from tests.gateway.quality.past import site
from tests.gateway.quality.past.site import Call, judged
from tests.support import choose_port

pytestmark = pytest.mark.needs_influxd
UNTIL = T0 + HOURS * 3600


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"database": "nothing"}, "set influx.database (now 'nothing')"),
        ({"url": "http://127.0.0.1:{port}"}, "cannot be reached or broke off, check influx.url"),
        ({"enabled": "false"}, "influx.enabled is false"),
        ({"network": "elsewhere"}, "has no readings of network 'elsewhere'"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_setting(
    folder: Path,
    call: Call,
    influx: Influx1,
    changes: dict[str, str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(influxql, "PAUSE_S", 0.01)
    file = folder / "gateway.toml"
    text = file.read_text()
    if "database" in changes:
        text = text.replace('"past"', f'"{changes["database"]}"')
    if "url" in changes:
        text = text.replace(influx.url, changes["url"].format(port=choose_port()))
    if "enabled" in changes:
        text = text.replace("enabled = true", "enabled = false")
    if "network" in changes:
        text = f'network = "{changes["network"]}"\n{text}'
    file.write_text(text)
    before = judged(influx)
    assert told in call("--since", str(T0), "--until", str(UNTIL), code=2)
    assert judged(influx) == before


def test_by_the_journal_alone_it_is_refused_as_before(folder: Path, call: Call) -> None:
    told = call("--since", str(T0), "--from", "journal", code=2)
    assert "by --from journal they are not read back" in told


def test_another_influxdb_wants_another_file_and_a_full_disk_is_told(
    influx: Influx1, folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--since", str(T0), "--until", str(T0 + 3 * 3600))
    monkeypatch.setattr(fetch, "BYTES_A_READING", 1 << 50)
    assert "make room, or take a shorter time" in call(*words, code=2)
    monkeypatch.undo()
    call(*words)
    influx.query("CREATE DATABASE second")
    file = folder / "gateway.toml"
    file.write_text(file.read_text().replace('"past"', '"second"'))
    assert "delete it, or set [influx] and network as they were" in call(*words, code=2)


def test_a_server_that_restarts_meanwhile_is_waited_for_and_one_that_stays_away_is_not(
    influx: Influx1, folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influxql, "PAUSE_S", 0.05)
    words = ("--since", str(T0), "--until", str(T0 + 3 * 3600))
    piece, turns = fetch._piece, list[int]()

    def away(*given: object) -> object:
        turns.append(1)
        if len(turns) == 2:
            influx.stop()
        if len(turns) == 4:
            influx.start()
        return piece(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(fetch, "_piece", away)
    assert "version p1: 180 readings" in call(*words)
    assert len(turns) == 5
    for file in folder.glob("journal.sqlite.past.sqlite*"):
        file.unlink()
    turns[:] = [1] * 100

    def stays_away(*given: object) -> object:
        turns.append(1)
        if len(turns) == 102:
            influx.stop()
        return piece(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(fetch, "_piece", stays_away)
    try:
        told = call(*words, code=2)
    finally:
        influx.start()
    assert "what is done stays, the same command goes on from there" in told
    monkeypatch.undo()
    told = call(*words)
    assert "120 read now" in told
    assert "version p1: 180 readings" in told


def test_a_user_who_may_not_read_is_told_what_to_do(
    folder: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Influx1(tmp_path / "guarded", ["auth-enabled = true"])
    server.start()
    try:
        root = "root:root"
        server.query("CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES")
        server.query("CREATE DATABASE past", auth=root)
        server.query("CREATE USER dustline WITH PASSWORD 'secret-of-it'", auth=root)
        server.query("GRANT WRITE ON past TO dustline", auth=root)
        words = ("--since", str(T0), "--until", str(UNTIL))
        for name, told in (
            ("dustline", 'GRANT ALL ON "past" TO "dustline"'),
            ("stranger", "set influx.username and influx.password"),
        ):
            site.configure(
                folder, site.influx1(server.url, f'username = "{name}"\npassword = "secret-of-it"')
            )
            said = call(*words, code=2)
            assert told in said
            assert "secret-of-it" not in said
        server.query("GRANT ALL ON past TO dustline", auth=root)
        site.configure(folder, site.influx1(server.url, 'username = "dustline"\npassword = "secret-of-it"'))
        assert "has no readings of network 'warsaw'" in call(*words, code=2)
    finally:
        server.stop()


def test_a_server_that_limits_its_answers_gives_all_or_is_told_of(
    folder: Path, call: Call, influx: Influx1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Influx1(tmp_path / "limited", ["max-row-limit = 7"])
    server.start()
    try:
        server.query("CREATE DATABASE past")
        site.in_parts(lambda text: server.write("past", text), lines_of(influx))
        words = ("--since", str(T0), "--until", str(T0 + 3 * 3600))
        site.configure(folder, site.influx1(server.url))
        assert "version p1: 180 readings" in call(*words)
        # As if it gave fewer than it counts.
        series = influxql.Influx.series
        monkeypatch.setattr(influxql, "PAUSE_S", 0.01)
        monkeypatch.setattr(
            influxql.Influx,
            "series",
            lambda self, text: (each._replace(values=each.values[:7]) for each in series(self, text)),
        )
        for file in folder.glob("*.past.sqlite*"):
            file.unlink()
        assert "counts 60 readings of an hour and gives 35" in call(*words, code=2)
    finally:
        server.stop()


def lines_of(influx: Influx1) -> list[str]:
    """The readings of the first hours, as they stand there."""
    made: list[str] = []
    for row in influx.query(f"SELECT * FROM reading WHERE time <= {T0 + 3 * 3600}s", "past"):
        fields = {name: it for name, it in row.items() if it is not None}
        tags = [f"{name}={fields.pop(name)}" for name in ("network", "node", "slot")]
        t = fields.pop("time")
        texts = [f"{name}={_text(name, it)}" for name, it in fields.items()]
        made.append(f"reading,{','.join(tags)} {','.join(texts)} {t}")
    return made


def _text(name: str, it: object) -> str:
    if isinstance(it, str):
        return f'"{it}"'
    return f"{it}i" if name in ("n", "dt", "boot", "seq", "up", "delay", "flags", "qc") else repr(it)


@pytest.mark.needs_victoria
def test_what_is_no_influxdb_is_told(folder: Path, call: Call, victoria: Victoria) -> None:
    server = f'enabled = true\nurl = "{victoria.url}"\norg = "any"\nbucket = "past"\ntoken = "any"'
    site.configure(folder, server)
    assert "cannot be read back: no InfluxDB?" in call("--since", str(T0), "--until", str(UNTIL), code=2)
    (folder / "gateway.toml").write_text(
        (folder / "gateway.toml").read_text().replace(victoria.url, f"{victoria.url}/nothing")
    )
    for file in folder.glob("*.past.sqlite*"):
        file.unlink()
    assert "influx.url" in call("--since", str(T0), "--until", str(UNTIL), code=2)


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Victoria]:
    server = Victoria(tmp_path / "victoria")
    server.start()
    yield server
    server.stop()
