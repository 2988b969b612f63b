"""The gateway, put together: session -> inbox -> pipeline -> journal -> destinations and web page."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import structlog

from gateway import logs
from gateway.check import Limits
from gateway.config import Settings
from gateway.counters import Counters
from gateway.destinations.delivery import Again, Delivery
from gateway.destinations.sink import Sink, make_sink
from gateway.enrol.watch import EnrolledPlaces
from gateway.journal import Journal, JournalError, JournalReader
from gateway.keeper import Keeper
from gateway.operate.clock_behind import ClockBehind
from gateway.operate.health import not_alive, not_judging
from gateway.operate.monitor import Monitor, MonitorError
from gateway.operate.reload import PLACES, changed_keys, refuse_unless_applicable
from gateway.operate.watch import Watch
from gateway.pipeline import Pipeline
from gateway.places import CurrentPlaces, Place, PublicPlace
from gateway.quality.corrected.sources import Files
from gateway.quality.follow.deliver import QualityDelivery
from gateway.quality.follow.follower import QualityFollower
from gateway.receive import Inbox
from gateway.releases.updates import Updates
from gateway.session import Session
from gateway.standby.duty import Duty
from gateway.standby.rules import Role
from gateway.web.join import Desk
from gateway.web.server import WebError, WebServer

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.service")

# 2026-01-01: no gateway's clock can be right and show an earlier time.
EARLIEST_CLOCK = 1767225600
# Room for what QoS 0 or an interrupted connection brings on top of the broker's window.
INBOX_SLACK = 1000
# stop() takes no longer, whatever hangs: systemd and people wait 5 s without a thought.
STOP_SECONDS = 3.5


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

    Raises JournalError, ClockError, WebError, MonitorError.
    """

    def __init__(self, settings: Settings) -> None:
        check_clock(time.time())
        self.settings = settings
        self.journal = Journal(settings.journal.path, synchronous=settings.journal.synchronous)
        checked = self.journal.checked
        if not checked.orderly:
            log.info(
                "the journal was not closed in good order; it was checked and is sound",
                whole=checked.complete,
                seconds=round(checked.seconds, 1),
            )
        self.inbox = Inbox(_inbox_size(settings))
        self.duty = self._make_duty(settings) if settings.standby.enabled else None
        self.session = Session(
            settings.broker,
            settings.network,
            self.inbox,
            None if self.duty is None else self.duty.may_connect,
        )
        self.pipeline = Pipeline(
            settings.network,
            self.inbox,
            self.journal,
            self.session,
            limits=Limits.of(settings.checks),
            most=most_in_a_batch(settings),
            linger_s=settings.journal.wait_ms / 1000,
        )
        self.deliveries = self._deliveries_to(_sinks(settings), settings)
        self.keeper = Keeper(self.journal, settings, self._destinations())
        self.places = CurrentPlaces(settings.places, settings.public_places)
        self.quality: QualityFollower | None = None
        self.quality_deliveries: list[QualityDelivery] = []
        self._make_quality(settings)
        self.web: WebServer | None = None
        if settings.web.enabled:
            desk = Desk(lambda: self.settings) if settings.enrol.page else None
            self.web = WebServer(
                *(settings.web, self.journal.path, self.journal.bell, self.places.public, desk),
                releases=self._release_store,
            )
        self.monitor = Monitor(settings.monitor, self) if settings.monitor.enabled else None
        self.updates = self._make_updates(settings) if settings.releases.enabled else None
        self._told_of_quality = False
        self.enrolled = EnrolledPlaces(settings.enrol.store, self._places_changed)
        self.clock_behind = ClockBehind()
        look_at_clock = partial(self.clock_behind.look, self.counters)
        duties = [self.session.tend, self._look_at_quality, self.enrolled.look, look_at_clock]
        if self.monitor is not None:
            duties.append(self.monitor.tend)
        self.watch = Watch(duties)
        self.last_reload_worked = True

    def _make_duty(self, settings: Settings) -> Duty:
        return Duty(
            settings,
            begin=lambda: self.session.start(),
            rest=lambda: self.session.rest(1.0),
            alive=lambda: not not_alive(self),
        )

    def _release_store(self) -> Path | None:
        """What the page shows of roll-outs is in it; by the settings of now."""
        own = self.settings.releases
        return own.store_beside(self.journal.path) if own.enabled else None

    def _make_updates(self, settings: Settings) -> Updates:
        return Updates(
            settings,
            on_duty=lambda: self.duty is None or self.duty.role is Role.OWNER,
            hears=self.session.subscribed.is_set,
        )

    def _exchange_updates(self, settings: Settings) -> None:
        if self.updates is not None:
            self.updates.stop(2.0)
        self.updates = self._make_updates(settings) if settings.releases.enabled else None
        if self.updates is not None:
            self.updates.start()

    @property
    def web_url(self) -> str | None:
        """The page's address once started; None without a page."""
        return self.web.url if self.web is not None else None

    @property
    def monitor_url(self) -> str | None:
        """The monitoring's address once it listens; None without it."""
        return self.monitor.url if self.monitor is not None else None

    @property
    def counters(self) -> Counters:
        return self.pipeline.counters

    def start(self) -> str | None:
        """Start every part; the web page's address, None without a page.

        Raises WebError or MonitorError when one of the two cannot be served; nothing runs then.
        """
        try:
            if self.web is not None:
                self.web.start()
            if self.monitor is not None:
                self.monitor.listen()
        except (WebError, MonitorError):
            self.stop()
            raise
        self.pipeline.start()
        self.keeper.start()
        for delivery in self.deliveries:
            delivery.start()
        self._start_quality()
        if self.duty is None:
            self.session.start()
        else:
            self.duty.start()  # which starts the session once this gateway has the shard
        if self.updates is not None:
            self.updates.start()
        self.watch.start()
        if self.monitor is not None:
            # Last: before the others run, it would say that they are dead.
            self.monitor.tend()
        return self.web_url

    def reload(self, read: Callable[[], Settings]) -> list[str]:
        """Go on by the settings that `read` gives; the keys that changed. All of them are applied or none.

        Raises ConfigError when they cannot be read, or one of them cannot change while the gateway runs.
        """
        self.last_reload_worked = False
        new = read()
        changed = changed_keys(self.settings, new)
        refuse_unless_applicable(changed)
        touched = {key.partition(".")[0] for key in changed}
        # What may fail comes first, while nothing is changed yet.
        sinks = _sinks(new) if "influx" in touched else []
        if "broker" in touched:
            if self.duty is not None:
                self.duty.change(new.broker)
            self.session.change(new.broker, 2.0)
            self.inbox.resize(_inbox_size(new))
        if "log" in touched:
            logs.set_up(new.log)
        self.pipeline.adjust(
            limits=Limits.of(new.checks), most=most_in_a_batch(new), linger_s=new.journal.wait_ms / 1000
        )
        if PLACES in touched:
            self._take_places(new.places, new.public_places)
        if "influx" in touched:
            self._exchange_deliveries(self._deliveries_to(sinks, new))
        if touched & {"influx", "quality", "calibration"}:
            self._stop_quality(2.0)
            self._make_quality(new)
            self._start_quality()
        if touched & {"broker", "releases"}:
            self._exchange_updates(new)
        self.keeper.adjust(new, self._destinations())
        self.settings = new
        self.last_reload_worked = True
        return changed

    def _take_places(self, exact: Mapping[str, Place], public: Mapping[str, PublicPlace]) -> None:
        self.places.replace(exact, public)
        if self.quality is not None:
            self.quality.places_changed()
        self.journal.bell.ring()  # the page looks again

    def _exchange_deliveries(self, new: list[Delivery]) -> None:
        """One that is left behind in a write that hangs can only repeat what is delivered anyway."""
        old, self.deliveries = self.deliveries, []
        for delivery in old:
            delivery.stop(2.0)
        for delivery in new:
            delivery.start()
        self.deliveries = new

    def _deliveries_to(self, sinks: list[Sink], settings: Settings) -> list[Delivery]:
        return [Delivery(self.journal, sink, batch=settings.influx.batch, again=Again()) for sink in sinks]

    def _make_quality(self, settings: Settings) -> None:
        """The threads behind the pipeline that judge, and carry the judgements on."""
        self.quality, self.quality_deliveries = None, []
        if settings.quality.enabled:
            follower = self.quality = QualityFollower(
                self.journal,
                settings.quality,
                self.places.exact,
                busy=lambda: self.inbox.depth > 0 or self.pipeline.behind,
                files=Files(settings.calibration.folder, settings.calibration.stations),
            )
            self.quality_deliveries = [
                QualityDelivery(self.journal, sink, follower.bell, batch=settings.influx.batch)
                for sink in _sinks(settings)
            ]

    def _start_quality(self) -> None:
        if self.quality is not None:
            self.quality.start()
        for delivery in self.quality_deliveries:
            delivery.start()

    def _look_at_quality(self) -> None:
        """Tell, once, when nothing is judged: it is no reason to start anew."""
        problems = not_judging(self)
        if problems and not self._told_of_quality:
            told = [f"{each.part}: {each.why}" for each in problems]
            log.error("the checks do not get on; everything else does", problems=told)
        self._told_of_quality = bool(problems)

    def _places_changed(self) -> None:
        """Somebody was enrolled, revoked or moved, by the page or by a command. Raises ConfigError."""
        self._take_places(*self.settings.current_places())

    def _stop_quality(self, seconds: float) -> bool:
        """Stop them together; whether they have ended."""
        parts = [*([self.quality] if self.quality is not None else []), *self.quality_deliveries]
        for part in parts:
            part.stop(0)
        deadline = time.monotonic() + seconds
        ended = [part.stop(max(0.0, deadline - time.monotonic())) for part in parts]
        return all(ended)

    def _destinations(self) -> list[str]:
        return [delivery.destination for delivery in self.deliveries]

    def stop(self) -> bool:
        """Stop along the data's way: what is committed gets its ack, the rest stays at the broker.

        True when all has ended; a part that hangs is left behind.
        """
        deadline = time.monotonic() + STOP_SECONDS
        self.watch.stop(0.5)
        self.session.stop_receiving()
        updates_end = self._aside(partial(self.updates.stop, 1.5)) if self.updates is not None else None
        if self.duty is None:
            self._end_deliveries()
        self._stop_quality(0)
        servers = [self._aside(part.stop) for part in (self.web, self.monitor) if part is not None]
        ended = [self.pipeline.stop(2.0)]
        if self.duty is not None:
            if all(ended):
                self._catch_up(min(1.0, deadline - time.monotonic() - 1.0))
            self._end_deliveries()
        self.session.stop(0.5)
        if self.duty is not None:
            # Behind the session: from here on another gateway has the shard.
            ended.append(self.duty.stop(0.5))
        ended.append(self.keeper.stop(max(0.0, deadline - time.monotonic())))
        ended += [delivery.stop(max(0.0, deadline - time.monotonic())) for delivery in self.deliveries]
        ended.append(self._stop_quality(max(0.0, deadline - time.monotonic())))
        for server in servers:
            server.join(max(0.0, deadline - time.monotonic()))
            ended.append(not server.is_alive())
        if updates_end is not None and self.updates is not None:
            updates_end.join(max(0.0, deadline - time.monotonic()))
            ended.append(not self.updates.is_alive())
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
            dropped_qos0=self.inbox.dropped_qos0,
        )
        return all(ended)

    def _end_deliveries(self) -> None:
        for delivery in self.deliveries:
            delivery.stop(0)  # ends by itself meanwhile

    def _catch_up(self, seconds: float) -> None:
        """Let destinations that work have all that is committed: while another gateway has the shard, nobody
        may look after this journal for long."""
        until = time.monotonic() + seconds
        try:
            with JournalReader(self.journal.path) as reader:
                for delivery in self.deliveries:
                    while (
                        time.monotonic() < until
                        and delivery.is_alive()
                        and not delivery.waits
                        and reader.waiting(delivery.destination)[0]
                    ):
                        time.sleep(0.01)
        except (JournalError, sqlite3.Error) as error:
            log.warning("cannot see what is delivered; the next start goes on with it", problem=str(error))

    def _aside(self, stop: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=stop, name="stop", daemon=True)
        thread.start()
        return thread


def _inbox_size(settings: Settings) -> int:
    return 2 * settings.broker.window + INBOX_SLACK


def most_in_a_batch(settings: Settings) -> int:
    """Half the window at most: the broker sends the next half while this one is committed."""
    return max(1, min(settings.journal.batch, settings.broker.window // 2))


def _sinks(settings: Settings) -> list[Sink]:
    return [make_sink(settings.influx)] if settings.influx.enabled else []
