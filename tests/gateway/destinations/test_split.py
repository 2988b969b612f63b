from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.destinations.sink import LinesRefusedError, RetryLaterError, TooLargeError
from gateway.destinations.split import StoppedError, write_in_parts


class Server:
    """Refuses lines that start with "bad": all of the request, or only these and with their count."""

    def __init__(self, partial: bool, most: int = 10**9) -> None:
        self.partial, self.most = partial, most
        self.stored: set[str] = set()
        self.requests = 0

    def write(self, lines: Sequence[str]) -> None:
        self.requests += 1
        if len(lines) > self.most:
            raise TooLargeError("too large")
        bad = [line for line in lines if line.startswith("bad")]
        if self.partial or not bad:
            self.stored.update(line for line in lines if line not in bad)
        if bad:
            raise LinesRefusedError(f"first is {bad[0]}", len(bad) if self.partial else None)


@given(
    bad=st.lists(st.booleans(), max_size=60),
    partial=st.booleans(),
    most=st.one_of(st.just(10**9), st.integers(1, 70)),
)
def test_the_bad_lines_are_found_and_all_others_stored(bad: list[bool], partial: bool, most: int) -> None:
    lines = [f"{'bad' if is_bad else 'good'}{i}" for i, is_bad in enumerate(bad)]
    server = Server(partial, most)
    written = write_in_parts(server.write, lines, lambda: False)
    assert server.stored == {line for line in lines if line.startswith("good")}
    assert set(written.refused) == {i for i, is_bad in enumerate(bad) if is_bad}
    assert written.too_large == (len(lines) > most)


def test_one_bad_line_in_a_large_batch_costs_few_requests() -> None:
    server = Server(partial=False)
    lines = [f"good{i}" for i in range(5000)]
    lines[3210] = "bad"
    assert write_in_parts(server.write, lines, lambda: False).refused == {3210: "first is bad"}
    assert server.requests < 30


def test_a_batch_that_is_refused_as_a_whole_costs_one_request() -> None:
    server = Server(partial=True)
    assert len(write_in_parts(server.write, ["bad"] * 5000, lambda: False).refused) == 5000
    assert server.requests == 1


def test_a_line_that_is_too_large_alone_is_kept() -> None:
    with pytest.raises(RetryLaterError, match="not even one line"):
        write_in_parts(Server(partial=False, most=0).write, ["good"] * 4, lambda: False)


def test_it_stops_between_two_writes() -> None:
    server = Server(partial=False)
    with pytest.raises(StoppedError):
        write_in_parts(server.write, ["bad"] * 5000, lambda: server.requests >= 5)
    assert server.requests == 5


class Naming:
    """Refuses lines that start with "bad" and names some lines, by whatever it is told to."""

    def __init__(self, name: Callable[[list[int], int], list[int]]) -> None:
        self.name = name
        self.stored: set[str] = set()
        self.requests = 0

    def write(self, lines: Sequence[str]) -> None:
        self.requests += 1
        bad = [i for i, line in enumerate(lines) if line.startswith("bad")]
        self.stored.update(line for line in lines if not line.startswith("bad"))
        if bad:
            raise LinesRefusedError("refused", None, dict.fromkeys(self.name(bad, len(lines)), "named"))


@given(
    bad=st.lists(st.booleans(), min_size=1, max_size=60),
    shift=st.integers(-3, 3),
    most=st.integers(0, 60),
)
def test_no_wrong_naming_loses_or_quarantines_a_good_line(bad: list[bool], shift: int, most: int) -> None:
    lines = [f"{'bad' if is_bad else 'good'}{i}" for i, is_bad in enumerate(bad)]
    server = Naming(lambda found, _: [i + shift for i in found][:most])
    written = write_in_parts(server.write, lines, lambda: False)
    assert server.stored == {line for line in lines if line.startswith("good")}
    assert set(written.refused) == {i for i, is_bad in enumerate(bad) if is_bad}


def test_named_lines_cost_one_more_request() -> None:
    lines = [f"{'bad' if i in (3, 4000) else 'good'}{i}" for i in range(5000)]
    server = Naming(lambda found, _: found)
    assert write_in_parts(server.write, lines, lambda: False).refused == {3: "named", 4000: "named"}
    assert server.requests == 2
