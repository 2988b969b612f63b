"""Play the cases side by side, ask the ledger, make the table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.network.cases import Case, whole
from bench.network.stage import Outcome, Stage
from bench.network.tls_cases import Papers, make_papers, tls_cases
from bench.network.world import World
from simulator.runtime import SimulatorError

FAST_LENGTH = 0.3


def every_case(papers: Papers, fast: bool) -> list[Case]:
    return whole(fast) + tls_cases(papers, fast)


def play(
    directory: Path,
    *,
    fast: bool,
    only: set[str] | None = None,
    part: tuple[int, int] = (0, 1),
    seed: int = 4,
) -> list[Outcome]:
    """All cases, or those named, or one `part` of so many. Raises AssertionError or the like when one cannot
    be played to its end."""
    papers = make_papers(directory / "papers")
    first, step = part
    numbered = [
        (number, case)
        for number, case in list(enumerate(every_case(papers, fast)))[first::step]
        if not only or case.name in only
    ]
    cases = [case for _, case in numbered]
    with ExitStack() as stack:
        shared = stack.enter_context(World(directory / "shared", papers.broker))
        worlds = {
            case.name: stack.enter_context(World(directory / case.name, protocol=311))
            for case in cases
            if case.own_world
        }
        with ThreadPoolExecutor(max_workers=len(cases)) as pool:
            going = [
                pool.submit(
                    _play,
                    case,
                    worlds.get(case.name, shared),
                    seed + 100 * number,
                    FAST_LENGTH if fast else 1.0,
                )
                for number, case in numbered
            ]
        outcomes = [each.result() for each in going]
        for world in (shared, *worlds.values()):
            _judge(world, outcomes)
    return outcomes


def _play(case: Case, world: World, seed: int, length: float) -> Outcome:
    stage = Stage(world, case.name, seed=seed, length=length)
    began = time.monotonic()
    failure = None
    try:
        case.play(stage)
        stage.finish()
    except (pytest.fail.Exception, SimulatorError) as error:
        failure = str(error)
    finally:
        stage.close()
    return Outcome(
        case.name,
        case.what,
        nodes=[node.options.name for node in stage.nodes],
        connections=sum(net.connections for net in stage.networks),
        seconds=time.monotonic() - began,
        leaked=stage.leaked,
        note=stage.note,
        failure=failure,
    )


def _judge(world: World, outcomes: list[Outcome]) -> None:
    """Fill in what the ledger says, and hold it against the nodes' own words."""
    for row in world.gateway.ledger():
        for outcome in outcomes:
            if row["node"] in outcome.nodes:
                said = world.observer.told(row["node"]).born.get(row["boot"], 0)
                outcome.born += max(row["born"], said)
                outcome.stored += row["stored"]
                outcome.quarantined += row["quarantined"]
                outcome.missing += row["missing"] + max(0, said - row["born"])


def failures(outcomes: list[Outcome]) -> list[str]:
    return [f"{one.name}: not played to its end: {one.failure}" for one in outcomes if one.failure]


def table(outcomes: list[Outcome]) -> Iterator[str]:
    """A table for the documentation."""
    yield "| case | what happens | connections | born | stored | missing | twice or unreadable | s |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for one in outcomes:
        yield (
            f"| {one.name} | {one.what}{'; ' + one.note if one.note else ''} | {one.connections} "
            f"| {one.born} | {one.stored} | {one.missing} | {one.quarantined} | {one.seconds:.0f} |"
        )
