"""Roll-outs on the page of station health, and in the API: how far they are, and why one has stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.journal import Journal
from gateway.releases.rollouts import Member, Seen, Told, begin, newest, save, save_seen
from gateway.releases.rules import why_stop
from gateway.releases.store import Store
from gateway.web import queries
from gateway.web.server import WebServer
from tests.gateway.web.browser import PHONE, Opened, expect, overflow
from tests.gateway.web.browser import save as picture
from tests.gateway.web.pages import Answer, ask, commit, reading

Serve = Callable[..., WebServer]
Visit = Callable[..., Opened]
SECRET = "wifi home-7 hunter2"  # what a node says of itself is not for everybody


@pytest.fixture
def store(tmp_path: Path, journal: Journal) -> Path:
    """20 nodes of channel stable and one of test."""
    commit(journal, reading("wola", 1, int(time.time()), 9.0))
    path = tmp_path / "releases.sqlite"
    with Store(path, create=True) as opened, opened.change() as db:
        for version in ("1.0.0", "1.1.0"):
            db.execute("INSERT INTO releases VALUES (?, '1.0.0', '[]', 'h', x'00', 5)", (version,))
        nodes = [f"node-{number}" for number in range(21)]
        save_seen(db, [Seen(node, "1.0.0", True, False, 1, Told()) for node in nodes])
        db.execute("INSERT INTO channels VALUES ('node-20', 'test')")
    return path


def roll(path: Path, *states: str, stage: int = 1, channel: str = "stable", pause: bool = False) -> None:
    """Begin one of 1.1.0 of which so many nodes are in those states, the first in the first stage."""
    now = time.time()
    with Store(path) as opened:
        if not any(each.channel == channel for each in newest(opened.db)):
            begin(opened, "1.1.0", now, channel=channel)
        with opened.change() as db:
            (rollout,) = [each for each in newest(db) if each.channel == channel]
            members = [
                Member(f"node-{at}", min(at, stage), state, SECRET, now + at, told=now)
                for at, state in enumerate(states)
            ]
            rollout.members, rollout.stage = {each.node: each for each in members}, stage
            why = why_stop(rollout)
            if why:
                rollout.go("stopped", now, why, by_itself=True)
            elif pause:
                rollout.go("paused", now)
            save(db, rollout, members)


def rollouts(server: WebServer) -> Answer:
    answer = ask(server.url, "/api/stations/rollouts")
    assert answer.status == 200
    return answer


def test_the_api_counts_nodes_and_says_why_one_has_stopped(serve: Serve, store: Path) -> None:
    roll(store, "good", "good", "loading", "waiting", "fell_back", "refused")
    roll(store, "told", stage=0, channel="test", pause=True)
    answer = rollouts(serve(releases=store))
    stable, test = answer.json["rollouts"]
    counts = {name: stable[name] for name in ("nodes", "good", "pending", "failed", "refused")}
    assert counts == {"nodes": 20, "good": 2, "pending": 2, "failed": 1, "refused": 1}
    assert (stable["version"], stable["channel"], stable["state"], stable["by_itself"]) == (
        *("1.1.0", "stable", "stopped"),
        True,
    )
    assert (stable["stage"], stable["stages"]) == (2, [1, 10, 100])
    # All but the first and the refusing one were tried in the second stage.
    assert stable["cause"] == {"what": "failed", "stage": 2, "count": 1, "of": 4, "allowed": 0}
    assert stable["failed_nodes"] == [{"node": "node-4", "state": "fell_back"}]
    assert abs(stable["changed"] - time.time()) < 60
    assert (test["channel"], test["state"], test["stage"], test["cause"]) == ("test", "paused", 1, None)
    assert (test["nodes"], test["pending"], test["failed_nodes"]) == (1, 1, [])
    assert SECRET not in answer.text


def test_refusals_stop_it_too_and_few_are_named(serve: Serve, store: Path) -> None:
    roll(store, "good", *["refused"] * 6)
    (found,) = rollouts(serve(releases=store)).json["rollouts"]
    assert found["cause"] == {"what": "refused", "stage": 2, "count": 6, "of": 6, "allowed": 5}
    roll(store, "good", *["silent"] * 30)
    (found,) = rollouts(serve(releases=store)).json["rollouts"]
    assert (found["failed"], len(found["failed_nodes"]), found["nodes"]) == (30, 20, 31)


def test_without_releases_there_is_nothing_and_a_file_that_is_none_is_told(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rollouts(serve()).json["rollouts"] == []
    assert rollouts(serve(releases=tmp_path / "none.sqlite")).json["rollouts"] == []
    assert not (tmp_path / "none.sqlite").exists()
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"not a database" * 100)
    answer = ask(serve(releases=broken).url, "/api/stations/rollouts")
    assert answer.status == 503
    assert answer.json == {"error": "The gateway cannot read its roll-outs at the moment; its log says why."}
    assert str(broken) in capsys.readouterr().out


@pytest.mark.needs_chromium
@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "en-GB",
            (
                "Updates of the nodes' firmware",
                "Being rolled out, stage 2 of 3 (10 % of the nodes), since ",
                "Of 20 nodes 2 are good, 1 pending, 0 failed, 0 refused it.",
                "Stopped by itself, stage 2 of 3",
                "In stage 2, 1 of 2 nodes failed; 0 may.",
                "node-2 (fell back)",
            ),
        ),
        (
            "pl-PL",
            (
                "Aktualizacje oprogramowania węzłów",
                "W toku, etap 2 z 3 (10 % węzłów), od ",
                "Węzły: wszystkich 20, dobrze 2, w toku 1, nieudanych 0, odmów 0.",
                "Zatrzymała się sama, etap 2 z 3",
                "W etapie 2 nie udało się na 1 z 2 węzłów, a dopuszczalne jest 0.",
                "node-2 (wrócił do poprzedniej wersji)",
            ),
        ),
    ],
)
def test_the_page_shows_how_far_it_is_and_that_it_stopped(
    serve: Serve,
    visit: Visit,
    store: Path,
    repo: Path,
    monkeypatch: pytest.MonkeyPatch,
    locale: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(queries, "_ROLLOUTS_KEPT_S", 0.0)
    monkeypatch.setattr(queries, "_REST", 0)
    title, running, counts, stopped, cause, failed = words
    roll(store, "good", "good", "trial")
    opened = visit(serve(releases=store).url, viewport=PHONE, locale=locale, has_touch=True, is_mobile=True)
    page = opened.page
    page.clock.install()
    page.goto(f"{page.url}stations")
    section = page.locator("#rollouts")
    for text in (title, running, counts):
        expect(section).to_contain_text(text)
    assert overflow(page) == 0
    roll(store, "good", "good", "fell_back")
    page.clock.fast_forward("01:05")
    for text in (stopped, failed):
        expect(section).to_contain_text(text)
    expect(section.locator(".warning")).to_contain_text(cause)
    expect(section.locator("a")).to_have_attribute("href", "./#node-2")
    assert SECRET not in page.content()
    assert overflow(page) == 0
    section.scroll_into_view_if_needed()
    picture(page, repo, f"rollout-stopped-{locale}")
    assert opened.complaints == []
    assert opened.foreign == []


@pytest.mark.needs_chromium
def test_without_roll_outs_there_is_no_section_and_trouble_leaves_the_list(
    serve: Serve, visit: Visit, store: Path
) -> None:
    page = visit(f"{serve(releases=store).url}stations").page
    expect(page.locator("#summary")).to_contain_text("nodes need")
    expect(page.locator("#rollouts")).to_be_hidden()
    page.route("**/api/stations/rollouts", lambda route: route.fulfill(status=503, body='{"error": "no"}'))
    page.reload()
    expect(page.locator("#rollouts")).to_contain_text("cannot be read at the moment")
    expect(page.locator("#summary")).to_contain_text("nodes need")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
