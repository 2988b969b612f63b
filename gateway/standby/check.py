"""`dustline gateway check`: can the lease be held, and who has it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator

from gateway import topics
from gateway.broker_settings import CHECK_ENDING
from gateway.config import Settings
from gateway.preflight.finding import Finding, fail, ok
from gateway.standby.link import Link
from gateway.standby.rules import Role, Rules, Word

ANSWER_SECONDS = 5.0
_NAME = "broker.lease"


def examine_lease(settings: Settings) -> Iterator[Finding]:
    """Say a word that claims nothing on the lease's topic, and see that it comes back."""
    if not settings.standby.enabled:
        return
    broker, me = settings.broker, f"check-{secrets.token_hex(4)}"
    topic = topics.lease(settings.network, broker.shards)
    rules = Rules(me, settings.standby.patience_s, time.monotonic())
    look, listens, back = rules.look(), threading.Event(), threading.Event()

    def heard(payload: bytes) -> None:
        rules.heard(payload, time.monotonic())
        if rules.seen_through(look.count):
            back.set()

    link = Link(
        broker,
        broker.id_for(settings.network) + CHECK_ENDING,
        topic,
        Word(say="gone", who=me),
        subscribed=listens.set,
        lost=lambda: None,
        heard=heard,
    )
    link.start()
    try:
        if listens.wait(ANSWER_SECONDS):
            link.send(look)
            back.wait(ANSWER_SECONDS)
    finally:
        link.stop(None, 1.0)
    assert rules.role is Role.STANDBY
    user = broker.username or "(anonymous)"
    rule = f"acl_file, user {user}: topic readwrite dl/1/{settings.network}/gateway/+"
    if not listens.is_set():
        yield fail(_NAME, f"{topic}: {link.trouble}", rule)
    elif not back.is_set():
        yield fail(_NAME, f"{link.deaf}; no gateway of the shard would work", rule)
    else:
        owner = "nobody has it yet" if rules.known is None else f"last held by {rules.known.who}"
        yield ok(_NAME, f"{topic}: can be held; {owner}")
