"""The gateway's figures for Prometheus, read from its parts when asked. docs/operation.md lists them all."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.journal import JournalError, JournalReader
from gateway.logs import lines_lost
from gateway.operate.health import not_judging, not_updating
from gateway.releases.figures import figures

if TYPE_CHECKING:
    from gateway.service import Gateway


def registry_of(gateway: Gateway) -> CollectorRegistry:
    """A registry of this gateway's own: there may be several in one process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)  # start time, memory, CPU, open files
    registry.register(_Figures(gateway))
    return registry


class _Figures(Collector):
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def describe(self) -> Iterator[Metric]:
        """None beforehand: to know them, the parts would have to be asked before they run."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield from self._pipeline()
        yield from self._session()
        yield from self._lease()
        yield from self._deliveries()
        yield from self._quality()
        yield from self._journal()
        yield _counter("log_lines_lost", "Lines of the log that could not be written.", lines_lost())
        if self._gateway.updates is not None:
            yield from figures(self._gateway.updates, stalled=bool(not_updating(self._gateway)))

    def _pipeline(self) -> Iterator[Metric]:
        counted, inbox = self._gateway.counters, self._gateway.inbox
        yield _counter("messages_received", "Messages taken through the pipeline.", counted.received)
        yield _counter("readings_stored", "Readings stored in the journal.", counted.stored)
        yield _counter(
            "readings_duplicate", "Readings that were stored already and came again.", counted.duplicates
        )
        quarantined = CounterMetricFamily(
            "dustline_quarantined", "What was put in quarantine, by reason.", labels=["reason"]
        )
        for reason, count in counted.quarantined.items():
            quarantined.add_metric([reason], count)
        yield quarantined
        yield _counter("commit_failures", "Commits to the journal that failed.", counted.failed_commits)
        yield from counted.commit_seconds.collect()
        yield from counted.batch_messages.collect()
        yield _gauge("inbox_messages", "Messages that wait for the pipeline.", inbox.depth)
        yield _gauge("inbox_capacity_messages", "Messages that can wait for the pipeline.", inbox.size)
        yield _counter(
            "qos0_dropped", "QoS 0 messages dropped because the inbox was full.", inbox.dropped_qos0
        )

    def _session(self) -> Iterator[Metric]:
        session, counts = self._gateway.session, self._gateway.session.counts
        yield _gauge("session_connected", "1 while connected to the broker.", session.connected)
        yield _gauge(
            "session_subscribed", "1 while the broker has confirmed all.", session.subscribed.is_set()
        )
        yield _counter("session_connections", "Connections made to the broker.", counts.connections)
        yield _counter(
            "session_resubscriptions",
            "Subscriptions asked for again on a connection, as a test of it.",
            counts.resubscriptions,
        )
        yield _counter("session_restarts", "Sessions started anew by the watchdog.", counts.restarts)
        yield _counter("session_callback_errors", "Bugs met in MQTT callbacks.", counts.callback_errors)
        yield _counter(
            "session_answers_refused",
            "Acks to nodes that the broker refused, or that were held back for it.",
            session.refusals.count,
        )

    def _lease(self) -> Iterator[Metric]:
        duty = self._gateway.duty
        if duty is None:
            return
        yield _gauge("lease_held", "1 while this gateway has the shard, 0 on standby.", duty.role == "owner")
        yield _gauge("lease_usable", "1 while it can be held or watched.", duty.trouble is None)
        yield _gauge(
            "lease_unchanged_seconds", "Since the last word of another owner, 0 as owner.", duty.unchanged_s
        )
        yield _counter("lease_taken", "Times this gateway took the shard.", duty.taken)
        yield _counter("lease_given_up", "Times another took it from this gateway.", duty.given_up)

    def _deliveries(self) -> Iterator[Metric]:
        label = ["destination"]
        delivered = CounterMetricFamily("dustline_delivered", "Readings written there.", labels=label)
        refused = CounterMetricFamily("dustline_delivery_refused", "Readings refused there.", labels=label)
        no_time = CounterMetricFamily(
            "dustline_delivery_no_time", "Readings without a time, kept in the journal only.", labels=label
        )
        failures = CounterMetricFamily("dustline_delivery_failures", "Writes that failed.", labels=label)
        for delivery in self._gateway.deliveries:
            counts, name = delivery.counters, [delivery.destination]
            delivered.add_metric(name, counts.delivered)
            refused.add_metric(name, counts.refused)
            no_time.add_metric(name, counts.no_time)
            failures.add_metric(name, counts.failures)
        yield from (delivered, refused, no_time, failures)
        yield from self._lag()

    def _lag(self) -> Iterator[Metric]:
        """From the file and not from the threads, so that it grows also while one hangs."""
        label = ["destination"]
        readings = GaugeMetricFamily(
            "dustline_delivery_lag_readings", "Readings beyond the destination's cursor.", labels=label
        )
        seconds = GaugeMetricFamily(
            "dustline_delivery_lag_seconds", "Age of the oldest of them, by its arrival.", labels=label
        )
        try:
            with JournalReader(self._gateway.journal.path) as reader:
                for delivery in self._gateway.deliveries:
                    count, since_ms = reader.waiting(delivery.destination)
                    age = 0.0 if since_ms is None else max(0.0, time.time() - since_ms / 1000)
                    readings.add_metric([delivery.destination], count)
                    seconds.add_metric([delivery.destination], age)
        except (JournalError, sqlite3.Error):
            return  # readyz and the log tell of it; the other figures are wanted all the more
        yield from (readings, seconds)

    def _quality(self) -> Iterator[Metric]:
        follower = self._gateway.quality
        if follower is None:
            return
        figures = follower.figures
        yield _counter("quality_judged", "Readings judged.", figures.judged)
        yield _counter("quality_late", "Of these, out of order, to be judged anew.", figures.late)
        yield _counter("quality_settled", "Nodes judged anew for late readings.", figures.settled)
        yield _counter("quality_failures", "Steps of the judging that failed.", figures.failures)
        yield _gauge("quality_lag_readings", "Readings that are not judged yet.", figures.lag)
        yield _gauge("quality_waiting_nodes", "Nodes that are to be judged anew.", figures.waiting)
        stalled = bool(not_judging(self._gateway))
        yield _gauge("quality_stalled", "1 while a thread of the checks has ended or hangs.", stalled)
        errors = CounterMetricFamily(
            "dustline_quality_check_errors", "Bugs met in checks, by check.", labels=["check"]
        )
        for check, count in follower.errors.items():
            errors.add_metric([check], count)
        yield errors
        label = ["destination"]
        delivered = CounterMetricFamily(
            "dustline_quality_delivered", "Judgements written there.", labels=label
        )
        lag = GaugeMetricFamily("dustline_quality_delivery_lag", "Judgements to carry there.", labels=label)
        for carrier in self._gateway.quality_deliveries:
            delivered.add_metric([carrier.destination], carrier.figures.delivered)
            lag.add_metric([carrier.destination], carrier.figures.lag)
        yield from (delivered, lag)

    def _journal(self) -> Iterator[Metric]:
        path = self._gateway.journal.path
        parts = (path, path.with_name(path.name + "-wal"))
        yield _gauge("journal_size_bytes", "The journal with its WAL.", sum(map(_size, parts)))
        try:
            free = shutil.disk_usage(path.parent).free
        except OSError:
            free = 0
        yield _gauge("journal_disk_free_bytes", "Free space on the journal's disk.", free)
        keeper = self._gateway.keeper
        yield _gauge("journal_used_bytes", "What journal.max_mb bounds.", keeper.state.used_bytes)
        yield _gauge(
            "journal_beyond_bounds",
            "1 while undelivered readings keep the journal beyond its bounds.",
            keeper.state.held_by is not None,
        )
        yield _counter("readings_pruned", "Readings deleted to keep the bounds.", keeper.state.pruned)
        yield _counter("quarantine_dropped", "Entries dropped to keep its bound.", keeper.dropped)
        yield _gauge(
            "config_last_reload_successful",
            "0 when the configuration was read again and could not be used.",
            self._gateway.last_reload_worked,
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _counter(name: str, help: str, value: int) -> Metric:
    return CounterMetricFamily(f"dustline_{name}", help, value=value)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(f"dustline_{name}", help, value=value)
