"""The gateway, put together: session -> inbox -> pipeline -> journal -> destinations and web page."""

from __future__ import annotations

import time

import structlog

from gateway.check import Limits
from gateway.config import Settings
from gateway.counters import Counters
from gateway.destinations.delivery import Delivery
from gateway.destinations.sink import make_sink
from gateway.journal import Journal
from gateway.pipeline import Pipeline
from gateway.receive import Inbox
from gateway.session import Session
from gateway.web.server import WebError, WebServer

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.service")

# 2026-01-01: no gateway's clock can be right and show an earlier time.
EARLIEST_CLOCK = 1767225600
# Room for what QoS 0 or an interrupted connection brings on top of the broker's window.
INBOX_SLACK = 1000


class ClockError(Exception):
    """The machine's clock is certainly wrong: every reading would be judged by it."""


def check_clock(now: float) -> None:
    if now < EARLIEST_CLOCK:
        raise ClockError(
            f"this machine's clock shows {time.strftime('%Y-%m-%d', time.gmtime(now))}: every reading would "
            "seem to come from the future; set the clock (NTP) and start again"
        )


class Gateway:
    """start() opens the journal and returns soon, whether or not a broker is there; stop() ends within 5 s.

    Raises JournalError, ClockError, WebError.
    """

    def __init__(self, settings: Settings) -> None:
        check_clock(time.time())
        self.settings = settings
        broker = settings.broker
        self.journal = Journal(settings.journal.path, synchronous=settings.journal.synchronous)
        self._inbox = Inbox(2 * broker.window + INBOX_SLACK)
        self.session = Session(broker, settings.network, self._inbox)
        self.pipeline = Pipeline(
            settings.network,
            self._inbox,
            self.journal,
            self.session,
            limits=Limits(settings.checks.future_s, settings.checks.oldest_days * 86400),
            # Half the window: the broker sends the next half while this one is committed.
            most=max(1, min(settings.journal.batch, broker.window // 2)),
            linger_s=settings.journal.wait_ms / 1000,
        )
        self.deliveries: list[Delivery] = []
        if settings.influx.enabled:
            sink = make_sink(settings.influx)
            self.deliveries.append(Delivery(self.journal, sink, batch=settings.influx.batch))
        self.web: WebServer | None = None
        if settings.web.enabled:
            self.web = WebServer(settings.web, self.journal.path, self.journal.bell, settings.places)

    @property
    def web_url(self) -> str | None:
        """The page's address once started; None without a page."""
        return self.web.url if self.web is not None else None

    @property
    def counters(self) -> Counters:
        return self.pipeline.counters

    def start(self) -> str | None:
        """Start every part; the web page's address, None without a page.

        Raises WebError when the page cannot be served; nothing runs then.
        """
        if self.web is not None:
            try:
                self.web.start()
            except WebError:
                self.stop()
                raise
        self.pipeline.start()
        for delivery in self.deliveries:
            delivery.start()
        self.session.start()
        return self.web_url

    def stop(self) -> None:
        """Stop along the data's way: what is committed gets its ack, the rest stays at the broker."""
        self.session.stop_receiving()
        ended = [self.pipeline.stop(2.0)]
        self.session.stop(0.5)
        if self.web is not None:
            self.web.stop()
        ended += [delivery.stop(1.0) for delivery in self.deliveries]
        if all(ended):
            self.journal.close()
        else:
            log.warning("a part is still busy and is left behind; what it has not finished will come again")
        counted = self.counters
        log.info(
            "stopped",
            received=counted.received,
            stored=counted.stored,
            duplicates=counted.duplicates,
            quarantined=counted.quarantined,
            failed_commits=counted.failed_commits,
            dropped_qos0=self._inbox.dropped_qos0,
        )
