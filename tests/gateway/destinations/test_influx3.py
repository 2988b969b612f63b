"""Delivery to the strict stand-in for InfluxDB 3: partial writes, told line by line, rightly or wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from gateway.destinations.delivery import Delivery
from gateway.destinations.http_errors import Advice, error_for
from gateway.destinations.influx_v2 import InfluxV2Sink
from gateway.destinations.settings import InfluxSettings
from gateway.destinations.sink import LinesRefusedError
from gateway.journal import Journal, JournalReader
from tests.gateway.destinations.fake_influx3 import FakeInflux3
from tests.gateway.destinations.samples import commit, reading
from tests.support import wait_for

COUNT = 1000


@pytest.fixture
def fake() -> Iterator[FakeInflux3]:
    server = FakeInflux3()
    server.types["temp"] = str
    server.start()
    yield server
    server.stop()


@pytest.fixture
def carry(
    fake: FakeInflux3, journal: Journal, deliver: Callable[..., Delivery]
) -> Callable[[set[int]], dict[int | None, str]]:
    """Deliver COUNT readings of which these clash; what is in quarantine after that, by seq."""

    def call(bad: set[int]) -> dict[int | None, str]:
        lot = [
            reading(i, values={"pm25": 1.0, "temp": 2.0} if i in bad else {"pm25": 1.0})
            for i in range(1, COUNT + 1)
        ]
        commit(journal, lot)
        keys = {"url": fake.url, "org": "any", "bucket": fake.bucket, "token": fake.token, "timeout_s": 5}
        delivery = deliver(InfluxV2Sink(InfluxSettings.model_validate({"enabled": True, **keys})))
        wait_for(lambda: delivery.counters.delivered + delivery.counters.refused == COUNT, 20, "all judged")
        assert {fields["seq"] for fields in fake.points.values()} == set(range(1, COUNT + 1)) - bad
        assert (delivery.counters.refused, delivery.counters.failures) == (len(bad), 0)
        with JournalReader(journal.path) as reader:
            return {each.seq: each.detail for each in reader.quarantined(limit=COUNT)}

    return call


def test_named_lines_are_quarantined_and_the_rest_is_proven_stored(
    fake: FakeInflux3, carry: Callable[[set[int]], dict[int | None, str]]
) -> None:
    bad = {1, 7, 500, COUNT}
    refused = carry(bad)
    assert refused == dict.fromkeys(bad, "invalid column type for column 'temp'")
    assert fake.sizes == [COUNT, COUNT - len(bad)]


def test_more_lines_than_one_answer_names(
    fake: FakeInflux3, carry: Callable[[set[int]], dict[int | None, str]]
) -> None:
    bad = set(range(3, 753, 3))  # 250
    assert carry(bad).keys() == bad
    assert fake.sizes == [COUNT, COUNT - 100, COUNT - 200, COUNT - 250]


def test_all_lines_are_refused(fake: FakeInflux3, carry: Callable[[set[int]], dict[int | None, str]]) -> None:
    bad = set(range(1, COUNT + 1))
    assert carry(bad).keys() == bad
    assert fake.sizes == list(range(COUNT, 0, -100))


@pytest.mark.parametrize(
    "fault",
    [
        {"names": False},
        {"accept_partial": False},
        {"twice": True},
        {"most_named": 2},  # a list that is cut short
        {"shift": -1},
        {"shift": 1},
        {"shift": COUNT},
    ],
    ids=str,
)
def test_an_answer_that_cannot_be_right_is_not_believed(
    fake: FakeInflux3, carry: Callable[[set[int]], dict[int | None, str]], fault: dict[str, bool | int]
) -> None:
    for name, value in fault.items():
        setattr(fake, name, value)
    bad = {1, 2, 400, 999, COUNT}
    assert carry(bad).keys() == bad
    assert len(fake.sizes) > 10  # found by halving


ENTRY = {"original_line": "x", "line_number": 2, "error_message": "why"}


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([ENTRY], {1: "why"}),
        (
            [{"line_number": 1, "error_message": "a"}, {"line_number": 2, "error_message": ""}],
            {0: "a", 1: "no reason given"},
        ),
        ([ENTRY, ENTRY], {}),
        ([{**ENTRY, "line_number": 0}], {}),
        ([{**ENTRY, "line_number": True}], {}),
        ([{**ENTRY, "line_number": "2"}], {}),
        ([{**ENTRY, "line_number": 2.0}], {}),
        ([{**ENTRY, "error_message": None}], {}),
        ([ENTRY, None], {}),
        ([[]], {}),
        ([], {}),
        (ENTRY, {}),
        (None, {}),
        ("2", {}),
    ],
)
def test_what_an_answer_names(data: object, named: dict[int, str]) -> None:
    body = json.dumps({"error": "partial write of line protocol occurred", "data": data}).encode()
    error = error_for(400, {}, body, Advice("it", "x", "y"))
    assert isinstance(error, LinesRefusedError)
    assert error.named == named


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, "parsing failed for write_lp endpoint"), (422, "another"), (400, "line protocol parsing error")],
)
def test_names_in_any_other_answer_are_not_used(status: int, error: str) -> None:
    refused = error_for(
        status, {}, json.dumps({"error": error, "data": [ENTRY]}).encode(), Advice("it", "x", "y")
    )
    assert isinstance(refused, LinesRefusedError)
    assert refused.named == {}
