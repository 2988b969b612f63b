"""`dustline means`: what the judged hours give by the hour and by a local day, and an index of it."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dustline.cli import main
from gateway.journal import Journal, NewReading
from tests.gateway.batches import batch, new

# The day on which Warsaw's clocks go forward is of 23 hours: 2026-03-28T23:00Z to 2026-03-29T22:00Z.
BEGIN = int(datetime(2026, 3, 28, tzinfo=UTC).timestamp())
HOURS = 72
# Hours without a reading, of the day after that one: seven of 24, so 17 are left.
SILENT = range(50, 57)


def level(hour: int) -> float:
    return 10.0 + hour / 10


def readings() -> list[NewReading]:
    """Four an hour, 0.2 ug/m3 apart around the hour's level; two only in hour 5, and one of hour 7 is bad."""
    made: list[NewReading] = []
    for hour in range(HOURS):
        for quarter in range(4):
            if hour in SILENT or (hour == 5 and quarter > 1):
                continue
            t = BEGIN + 3600 * hour + 900 * (quarter + 1)
            pm25 = round(level(hour) + (quarter - 1.5) / 5, 2)
            flags = ("stuck",) if hour == 7 and quarter == 0 else ()
            values = {"pm25": pm25, "pm10": round(2 * pm25, 2), "rh": 50.0}
            made.append(
                new(
                    len(made) + 1,
                    t=t,
                    received_ms=(t + 2) * 1000,
                    up=10**6 + t - BEGIN,
                    dt=60,
                    flags=flags,
                    values=values,
                )
            )
    return made


def made(folder: Path, config: str) -> Path:
    (folder / "gateway.toml").write_text(config)
    with Journal(folder / "dustline-journal.sqlite") as journal:
        journal.commit(batch(*readings()))
    done = CliRunner().invoke(
        main, ["reprocess", "--since", "2026-03-27", "--config", str(folder / "gateway.toml")]
    )
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("means"), "")


def call(home: Path, *words: str) -> Result:
    return CliRunner().invoke(
        main, ["means", *words, "--config", str(home / "gateway.toml")], catch_exceptions=False
    )


def rows(home: Path, *words: str) -> list[dict[str, str]]:
    done = call(home, *words)
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(done.stdout.splitlines()))


def test_hours_have_a_mean_when_three_quarters_are_there_and_good(home: Path) -> None:
    found = rows(home, "--since", "2026-03-28", "--until", "2026-03-28T10:00Z", "--by", "hour")
    assert [row["begin"] for row in found] == [f"2026-03-28T{hour:02}:00:00+00:00" for hour in range(10)]
    assert [(row["node"], row["slot"]) for row in found] == [("n1", "a")] * 10
    told = [(row["have"], row["expected"], row["pm25"], row["pm10"]) for row in found]
    assert told[4] == ("4", "4", "10.4", "20.8")
    assert told[5] == ("2", "4", "", "")
    assert told[7] == ("3", "4", "10.8", "21.6")  # without the bad one, which is the lowest


def test_days_are_local_and_need_three_quarters_of_their_hours(home: Path) -> None:
    words = ("--since", "2026-03-29", "--until", "2026-03-31")
    found = rows(home, *words, "--zone", "Europe/Warsaw")
    told = [(row["begin"], row["have"], row["expected"], bool(row["pm25"])) for row in found]
    assert told == [
        ("2026-03-29T00:00:00+01:00", "23", "23", True),
        ("2026-03-30T00:00:00+02:00", "17", "24", False),
    ]
    # Hours 23 to 45, their mean.
    assert float(found[0]["pm25"]) == pytest.approx(level(34), abs=0.001)
    utc = rows(home, "--since", "2026-03-01", "--until", "2126-03-31")
    assert [(row["begin"][:10], row["have"]) for row in utc] == [
        ("2026-03-28", "23"),
        ("2026-03-29", "24"),
        ("2026-03-30", "17"),
    ]


def test_an_index_of_each_mean(home: Path) -> None:
    days = rows(home, "--since", "2026-03-28", "--until", "2026-03-31", "--index", "us-aqi-2024")
    # 13.55 ug/m3 is cut to 13.5: 51 + 49 * 4.4 / 26.3, rounded.
    assert [(row["pm25"], row["index"], row["category"], row["of"]) for row in days[1:]] == [
        ("13.55", "59", "Moderate", "pm25"),
        ("", "", "", ""),
    ]
    hours = rows(
        home, "--since", "2026-03-28", "--until", "2026-03-28T02:00Z", "--by", "hour", "--index", "gios"
    )
    assert [(row["index"], row["category"], row["of"]) for row in hours] == [
        ("1", "bardzo dobry", "pm25"),
        ("2", "dobry", "pm10"),
    ]


def test_means_of_corrected_values_stand_beside_and_the_index_is_of_them(tmp_path: Path) -> None:
    home = made(tmp_path, '[quality]\ncorrected = "kappa-koehler"\n')
    [day] = rows(home, "--since", "2026-03-29", "--until", "2026-03-30", "--index", "who-2021")
    growth = 1 + 0.3 / 1.65  # at 50 %
    assert float(day["pm25_cor"]) == pytest.approx(float(day["pm25"]) / growth, abs=0.002)
    assert float(day["pm10_cor"]) == pytest.approx(float(day["pm10"]) / growth, abs=0.002)
    assert (day["of"], day["index"]) == ("pm25_cor", str(round(float(day["pm25_cor"]) / 15, 2)))


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ((), 2, "Missing option '--since'"),
        (("--since", "soon"), 2, "write a date"),
        (("--since", "2026-03-28", "--until", "2026-03-27"), 2, "must be before --until"),
        (("--since", "2026-03-28", "--zone", "Mars/Olympus"), 2, "no time zone 'Mars/Olympus'"),
        (("--since", "2026-03-28", "--zone", "/etc/passwd"), 2, "no time zone"),
        (("--since", "2026-03-28", "--index", "gios"), 2, "gios is of means of a hour: --by hour"),
        (("--since", "999999999999"), 2, "must be before --until"),
        (("--since", "9999-12-31"), 2, "must be before --until"),
        (("--since", "0001-01-01", "--until", "0001-01-02"), 1, "there are no judged hours"),
        (("--since", "2026-03-28", "--node", "n9"), 1, "there are no judged hours in that time"),
        (("--since", "2020-01-01", "--until", "2020-02-01"), 1, "there are no judged hours in that time"),
    ],
)
def test_mistakes_are_told_in_a_sentence(home: Path, words: tuple[str, ...], code: int, why: str) -> None:
    done = call(home, *words)
    assert (done.exit_code, why in done.output, "Traceback" in done.output) == (code, True, False), (
        done.output
    )


def test_without_a_journal_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("")
    done = call(tmp_path, "--since", "2026-03-28")
    assert done.exit_code == 2
    assert "dustline-journal.sqlite" in done.output
