"""On duty or standing by: the session follows the lease."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable

import structlog

from gateway import topics
from gateway.broker_settings import CHECK_ENDING, BrokerSettings
from gateway.config import Settings
from gateway.operate.heartbeat import Heartbeat
from gateway.operate.systemd import notify
from gateway.standby.link import Link
from gateway.standby.rules import Role, Rules, Word

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.standby")

TICK_SECONDS = 0.1
# A step waits for the session to leave, no more.
STALL_SECONDS = 60.0


class Duty(threading.Thread):
    """One thread. `begin` and `rest` let the session work under the shard's client id, or stay away from it;
    only an owner that is `alive` keeps the lease."""

    def __init__(
        self,
        settings: Settings,
        *,
        begin: Callable[[], object],
        rest: Callable[[], object],
        alive: Callable[[], bool],
    ) -> None:
        super().__init__(name="duty", daemon=True)
        self._begin, self._rest, self._alive = begin, rest, alive
        broker, ending = settings.broker, f"-{secrets.token_hex(3)[1:]}"
        assert len(ending) <= len(CHECK_ENDING)
        self.topic = topics.lease(settings.network, broker.shards)
        self.me = socket.gethostname()[:60] + ending
        self._changed = threading.Condition()
        self._rules = Rules(self.me, settings.standby.patience_s, time.monotonic())
        self._link = Link(
            broker,
            broker.id_for(settings.network) + ending,
            self.topic,
            Word(say="gone", who=self.me),
            subscribed=self._on_subscribed,
            lost=self._on_lost,
            heard=self._on_heard,
        )
        self._working = False
        self._waits_for: str | None = None
        self._told = False
        self._stopping = threading.Event()
        self.heart = Heartbeat()
        self.taken = self.given_up = 0

    @property
    def role(self) -> Role:
        return self._rules.role

    @property
    def trouble(self) -> str | None:
        """Why the lease can be neither held nor watched."""
        return self._link.trouble or (self._link.deaf if self._rules.in_vain else None)

    @property
    def unchanged_s(self) -> float:
        """Since the last word of another owner, s; 0 for an owner."""
        return 0.0 if self.role is Role.OWNER else time.monotonic() - self._rules.changed

    def start(self) -> None:
        self._link.start()
        super().start()

    def run(self) -> None:
        while not self._stopping.is_set():
            self.heart.back_within(STALL_SECONDS)
            try:
                self._step()
            except Exception:
                log.exception("a bug in the watch over the lease")
                self._stopping.wait(1.0)

    def _step(self) -> None:
        alive, rules = self._alive(), self._rules
        with self._changed:
            self._changed.wait_for(lambda: self._wants() != self._working, TICK_SECONDS)
            before = rules.role
            word = rules.tick(time.monotonic(), alive)
            claims = rules.role is Role.CLAIMING and before is Role.STANDBY
            unheard = before is Role.CLAIMING and rules.role is Role.STANDBY
            unheard = unheard or rules.unheard_s(time.monotonic()) > rules.patience_s
            in_vain = rules.in_vain
        if claims and not in_vain:
            silent_s = round(time.monotonic() - rules.changed, 1)
            log.warning(
                "claims the shard: it has no owner, or one that is silent",
                lease=self.topic,
                former=self._former(),
                silent_s=silent_s,
            )
        if word is not None:
            self._link.send(word)
        if unheard and not self._stopping.is_set():
            self._link.begin_anew()
        if in_vain and not self._told:
            log.warning("no lease can be held; will keep trying", problem=self._link.deaf)
        self._told = in_vain
        self._follow()

    def _wants(self) -> bool:
        return self._rules.role is Role.OWNER

    def _follow(self) -> None:
        """Let the session do what the role says."""
        wants = self._wants()
        if wants and not self._working:
            self._working = True
            self.taken += 1
            log.warning("has the shard now", lease=self.topic, me=self.me, former=self._former())
            notify("STATUS=at work")
            self._begin()
        elif self._working and not wants:
            self._working = False
            self.given_up += 1
            log.warning(
                "another gateway has taken the shard: stands by", lease=self.topic, owner=self._former()
            )
            notify("STATUS=stands by")
            self._rest()
        if not wants and self._former() != self._waits_for:
            self._waits_for = self._former()
            log.info("stands by", lease=self.topic, me=self.me, owner=self._waits_for)

    def _former(self) -> str | None:
        known = self._rules.known
        return None if known is None else known.who

    def may_connect(self) -> bool:
        """Whether this gateway may connect under the shard's client id: it has the lease, and a word there
        and back says that nobody else has claimed it meanwhile. Waits for that word."""
        rules = self._rules
        with self._changed:
            if rules.role is not Role.OWNER:
                return False
            look = rules.look()
        if self._link.send(look) is None:
            return False
        with self._changed:
            self._changed.wait_for(
                lambda: rules.seen_through(look.count) or rules.role is not Role.OWNER, rules.grace_s
            )
            return rules.role is Role.OWNER and rules.seen_through(look.count)

    def change(self, broker: BrokerSettings) -> None:
        """Go on by these settings of the broker."""
        self._link.begin_anew(broker)

    def stop(self, seconds: float) -> bool:
        """Give the lease back: whoever stands by takes the shard at once. True when the thread has ended."""
        self._stopping.set()
        if self.ident is not None:
            self.join(seconds / 2)
        with self._changed:
            last = self._rules.give_back()
        self._link.stop(last, seconds / 2)
        return not self.is_alive()

    def _on_subscribed(self) -> None:
        with self._changed:
            self._rules.subscribed(time.monotonic())

    def _on_lost(self) -> None:
        with self._changed:
            self._rules.lost()

    def _on_heard(self, payload: bytes) -> None:
        with self._changed:
            if not self._rules.heard(payload, time.monotonic()):
                log.warning("a word on the lease's topic is none", lease=self.topic, payload=payload[:100])
            self._changed.notify_all()
