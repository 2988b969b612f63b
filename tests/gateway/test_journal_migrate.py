"""A journal of an earlier version goes on under the present program."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.journal import Claim, Journal, JournalError, JournalReader, Sighting
from gateway.journal.integrity import check_fully
from gateway.journal.migrate import V3_ADDS, V5_ADDS, V6_ADDS
from gateway.journal.salvage import salvage
from gateway.journal.schema import TABLES, lock_for_writing, open_writer
from gateway.reading import FIELDS
from tests.gateway.batches import bad, batch, new
from tests.support import REPO

# As version 1 made them.
TABLES_1 = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY, network TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (network, name)
);
CREATE TABLE readings (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL,
    node_id INTEGER NOT NULL REFERENCES nodes (id), boot INTEGER NOT NULL, seq INTEGER NOT NULL,
    t INTEGER, tq TEXT NOT NULL, up INTEGER NOT NULL, dt INTEGER NOT NULL, n INTEGER NOT NULL,
    slot TEXT NOT NULL, model TEXT NOT NULL, flags TEXT NOT NULL,
    {", ".join(f"{name} REAL" for name in FIELDS)}, UNIQUE (node_id, boot, seq)
);
CREATE INDEX readings_by_time ON readings (node_id, t);
CREATE TABLE latest (
    node_id INTEGER NOT NULL, slot TEXT NOT NULL, at INTEGER NOT NULL, reading_id INTEGER NOT NULL,
    PRIMARY KEY (node_id, slot)
) WITHOUT ROWID;
CREATE TABLE extents (
    node_id INTEGER NOT NULL, boot INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (node_id, boot, first)
) WITHOUT ROWID;
CREATE TABLE claims (
    node_id INTEGER NOT NULL, boot INTEGER NOT NULL, last INTEGER NOT NULL, seen_ms INTEGER NOT NULL,
    PRIMARY KEY (node_id, boot)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL, topic TEXT NOT NULL, node TEXT,
    boot INTEGER, seq INTEGER, reason TEXT NOT NULL, detail TEXT NOT NULL, payload BLOB NOT NULL,
    size INTEGER NOT NULL, destination TEXT
);
CREATE INDEX quarantine_by_reading ON quarantine (node, boot, seq) WHERE seq IS NOT NULL;
CREATE TABLE status (
    node_id INTEGER PRIMARY KEY, online INTEGER, boot INTEGER, seen_ms INTEGER, status TEXT, health TEXT
);
CREATE TABLE cursors (destination TEXT PRIMARY KEY, reading_id INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('schema', '1');
INSERT INTO nodes VALUES (1, 'warsaw', 'n1');
INSERT INTO readings (received_ms, node_id, boot, seq, t, tq, up, dt, n, slot, model, flags, pm25, pm10)
    VALUES (1700000000001, 1, 1, 1, 1700000060, 'ntp', 60, 60, 50, 'a', 'sds011', '', 0.1, 0.0);
INSERT INTO latest VALUES (1, 'a', 1700000060, 1);
INSERT INTO extents VALUES (1, 1, 1, 2);
INSERT INTO claims VALUES (1, 1, 3, 5);
INSERT INTO quarantine (received_ms, topic, node, boot, seq, reason, detail, payload, size)
    VALUES (1700000000000, 'dl/1/warsaw/0/n1/readings', 'n1', 1, 2, 'reading', 'why', x'7b7d', 2);
INSERT INTO cursors VALUES ('influx', 1);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of version 1."""
    made = tmp_path / "journal.sqlite"
    with sqlite3.connect(made) as db:
        db.executescript(TABLES_1)
    return made


def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Of each table its columns, of each index its text; None for that of a table's own constraint."""
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: list(db.execute(f"PRAGMA table_info({name})")) for name in tables}
        found["indexes"] = sorted(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
        return found


def test_version_1_becomes_what_a_new_journal_is(path: Path, tmp_path: Path) -> None:
    with Journal(path) as journal, JournalReader(path) as reader:
        (row,) = reader.ledger()
        assert (row.born, row.stored, row.quarantined, row.missing) == (3, 1, 1, 1)
        assert journal.cursor("influx") == 1
        assert [each.reason for each in reader.quarantined()] == ["reading"]
        done = journal.commit(batch(new(1), bad(2), new(3), Claim(1, "n1", 1, 3)))
        assert (done.stored, done.duplicates) == (1, 2)
        assert check_fully(journal._db) == []
    Journal(tmp_path / "new.sqlite").close()
    assert columns(path) == columns(tmp_path / "new.sqlite")


NEW_IN_6 = ("pm25_cor", "pm25_cor_n", "pm25_by", "factor", "pm10_cor", "pm10_cor_n", "pm10_by")


def as_version_5(path: Path) -> None:
    """Take a present journal back to what version 5 was: new columns go."""
    with sqlite3.connect(path) as db:
        for table in ("quality_hours", "quality_hours_aside"):
            for column in NEW_IN_6:
                assert f"ALTER TABLE {table} ADD COLUMN {column} " in V6_ADDS
                db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute("UPDATE meta SET value = '5' WHERE key = 'schema'")


def test_hours_of_version_5_stay_and_are_raw(tmp_path: Path) -> None:
    path = tmp_path / "five.sqlite"
    with Journal(path) as journal:
        journal.commit(batch(*(new(seq) for seq in range(1, 20))))
        with journal.writing() as db:
            db.execute(
                "INSERT INTO quality_hours (node_id, slot, hour, model, expected, have, pm25, near_n, qc)"
                " VALUES (1, 'a', 9, 'sds011', 60, 58, 12.5, 0, 0)"
            )
    as_version_5(path)
    with Journal(path) as journal:
        assert check_fully(journal._db) == []
        with journal.writing() as db:
            rows = db.execute(f"SELECT pm25, {', '.join(NEW_IN_6)} FROM quality_hours").fetchall()
            assert rows == [(12.5, None, 0, "", None, None, 0, "")]
    Journal(tmp_path / "new.sqlite").close()
    assert columns(path) == columns(tmp_path / "new.sqlite")


def as_version_4(path: Path) -> None:
    """Take a present journal back to what version 4 was: new tables and columns go."""
    as_version_5(path)
    with sqlite3.connect(path) as db:
        for name in ("corrections", "runs", "aside", "hours_aside", "shared"):
            assert f"CREATE TABLE quality_{name} " in V5_ADDS
            db.execute(f"DROP TABLE quality_{name}")
        for table, column in (("quality", "factor"), ("quality", "run"), ("quality_hours", "run")):
            assert f"ALTER TABLE {table} ADD COLUMN {column} " in V5_ADDS
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute("UPDATE meta SET value = '4' WHERE key = 'schema'")


def test_judgements_of_version_4_stay_and_are_the_streams(tmp_path: Path) -> None:
    path = tmp_path / "four.sqlite"
    with Journal(path) as journal:
        journal.commit(batch(*(new(seq) for seq in range(1, 20))))
        with journal.writing() as db:
            db.execute("INSERT INTO quality_versions VALUES (1, 'h', '[]', 5)")
            db.execute(
                "INSERT INTO quality (reading_id, version, qc, change) SELECT id, 1, 256, id FROM readings"
            )
    as_version_4(path)
    with Journal(path) as journal:
        assert check_fully(journal._db) == []
        with journal.writing() as db:
            rows = db.execute("SELECT DISTINCT version, qc, pm25, factor, run FROM quality").fetchall()
            assert rows == [(1, 256, None, None, 0)]
    Journal(tmp_path / "new.sqlite").close()
    assert columns(path) == columns(tmp_path / "new.sqlite")


def as_version_3(path: Path) -> None:
    """Take a present journal back to what version 3 was: its rows are the same, found by other indexes."""
    as_version_4(path)
    with sqlite3.connect(path) as db:
        (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'readings'").fetchone()
        old = sql.rstrip(")").rstrip() + ",\n    UNIQUE (node_id, boot, seq)\n)"
        db.executescript(
            f"""
            INSERT INTO status (node_id, boot, seen_ms) SELECT * FROM seen WHERE true ON CONFLICT DO UPDATE
                SET boot = excluded.boot, seen_ms = excluded.seen_ms;
            DROP INDEX readings_by_span; DROP INDEX readings_without_time;
            DROP TABLE spans; DROP TABLE seen;
            ALTER TABLE readings RENAME TO present; {old};
            INSERT INTO readings SELECT * FROM present; DROP TABLE present;
            CREATE INDEX readings_by_time ON readings (node_id, t);
            UPDATE meta SET value = '3' WHERE key = 'schema';
            """
        )


def as_version_2(path: Path) -> None:
    """Take a present journal back to what version 2 was: the tables of version 3 are new ones."""
    as_version_3(path)
    with sqlite3.connect(path) as db:
        for table in ("quality_versions", "quality", "quality_hours", "quality_cursors"):
            assert f"CREATE TABLE {table} " in V3_ADDS
            db.execute(f"DROP TABLE {table}")
        db.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")


def fill(path: Path) -> None:
    """Two nodes, late readings, one without a time, one quarantined, one sighting."""
    with Journal(path) as journal:
        journal.commit(batch(*(new(seq) for seq in range(1, 200)), bad(200)))
        journal.commit(batch(*(new(seq, "n2", t=1_700_000_000 + 9000 * seq) for seq in range(90, 10, -1))))
        journal.commit(batch(new(1, "n2", t=None, tq="none"), Sighting(77, "n2", True, boot=4)))


def test_version_3_answers_as_before(tmp_path: Path) -> None:
    path, since = tmp_path / "three.sqlite", new(90).t
    fill(path)
    with JournalReader(path) as reader:
        before = (reader.ledger(), reader.ledger(since=since), reader.statuses(), reader.latest())
        series = reader.series("n2", new(50).t or 0, 1_800_000_000)
        assert [each.seq for each in series] == list(range(11, 91))
    as_version_3(path)
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT * FROM readings").fetchall()
    with Journal(path) as journal, JournalReader(path) as reader:
        assert before == (reader.ledger(), reader.ledger(since=since), reader.statuses(), reader.latest())
        assert reader.series("n2", new(50).t or 0, 1_800_000_000) == series
        assert journal.commit(batch(new(17, "n2", t=1_700_153_000), new(200, "n2"))).stored == 1
        assert check_fully(journal._db) == []
        # The old indexes are gone. (Their pages are not free: the tables of version 5 have taken them.)
        indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'readings' ORDER BY 1"
        names = [name for (name,) in journal._db.execute(indexes)]
        assert names == ["readings_by_span", "readings_without_time"]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT * FROM readings LIMIT ?", (len(rows),)).fetchall() == rows
    Journal(tmp_path / "new.sqlite").close()
    assert columns(path) == columns(tmp_path / "new.sqlite")


def test_a_kill_in_the_middle_leaves_version_3(tmp_path: Path) -> None:
    path = tmp_path / "three.sqlite"
    fill(path)
    as_version_3(path)
    kill = (
        "import os, signal, sqlite3, sys\n"
        "from gateway.journal import migrate, schema\n"
        "from pathlib import Path\n"
        "migrate._TO_4 = migrate._TO_4.replace('INSERT INTO seen', 'SELECT die(); INSERT INTO seen')\n"
        "plain = sqlite3.connect\n"
        "def connect(*words, **more):\n"
        "    db = plain(*words, **more)\n"
        "    db.execute('PRAGMA cache_size = 1')\n"
        "    db.create_function('die', 0, lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
        "    return db\n"
        "sqlite3.connect = connect\n"
        "schema.open_writer(Path(sys.argv[1]), 'FULL')\n"
    )
    done = subprocess.run([sys.executable, "-c", kill, str(path)], cwd=REPO)
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == ("3",)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.execute("SELECT count(*) FROM readings INDEXED BY sqlite_autoindex_readings_1").fetchone()
    with Journal(path) as journal:
        assert check_fully(journal._db) == []


def test_version_2_with_readings_becomes_what_a_new_journal_is(tmp_path: Path) -> None:
    path = tmp_path / "two.sqlite"
    with Journal(path) as journal:
        journal.commit(batch(*(new(seq) for seq in range(1, 200)), bad(200)))
        journal.delivered("influx", 7)
    as_version_2(path)
    with sqlite3.connect(path) as db:
        before = db.execute("SELECT * FROM readings").fetchall()
    with Journal(path) as journal, JournalReader(path) as reader:
        (row,) = reader.ledger()
        assert (row.born, row.stored, row.quarantined, row.missing) == (200, 199, 1, 0)
        assert journal.cursor("influx") == 7
        assert journal.commit(batch(new(201))).stored == 1
        assert check_fully(journal._db) == []
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT * FROM readings WHERE id <= 199").fetchall() == before
    Journal(tmp_path / "new.sqlite").close()
    assert columns(path) == columns(tmp_path / "new.sqlite")


def test_version_1_is_left_alone_by_who_only_looks(path: Path) -> None:
    with pytest.raises(JournalError, match="older schema 1; start the gateway once"):
        JournalReader(path)
    with lock_for_writing(path):
        open_writer(path, "FULL", change=False).close()
    with pytest.raises(JournalError, match="older schema 1"):
        JournalReader(path)


def test_migration_that_fails_leaves_version_1(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE requests (in_the_way)")
    with pytest.raises(JournalError, match="requests already exists"):
        Journal(path)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == ("1",)
        db.execute("DROP TABLE requests")
    Journal(path).close()


def test_version_1_can_be_salvaged(path: Path) -> None:
    report = salvage(path)
    assert (report.damaged, report.lost, report.oddities) == ({}, [], 0)
    with JournalReader(path) as reader:
        (row,) = reader.ledger()
        assert (row.born, row.stored, row.quarantined, row.missing) == (3, 1, 1, 1)
    assert "gone" in TABLES
