"""The gateway's way of a message, in order: receive, decode, identify, check, journal, acknowledge."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from gateway import topics
from gateway.acknowledge import acknowledgements, refusal
from gateway.aside import Aside
from gateway.check import Limits, Origin, check
from gateway.contract import MAX_MESSAGE_BYTES, Health, Offline, Online, ReadingsEnvelope
from gateway.counters import Counters
from gateway.decode import UnreadableError, decode
from gateway.identify import Identified, identify, locate
from gateway.journal import Journal
from gateway.operate.heartbeat import Heartbeat
from gateway.receive import Inbox, Incoming
from gateway.records import Batch, Claim, Committed, NewReading, Rejected, Sighting

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.pipeline")

IDLE_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0
# No batch takes so long, on a slow and busy disk either.
STALL_SECONDS = 120.0


class Answers(Protocol):
    """What the pipeline needs of the MQTT session."""

    def acknowledge(self, messages: list[Incoming]) -> None: ...
    def answer(self, answers: list[tuple[str, bytes]]) -> None: ...


@dataclass(slots=True)
class Work:
    """One batch: what goes into the journal, and which nodes are to be told that they were not understood."""

    batch: Batch
    refused: dict[str, str] = field(default_factory=dict[str, str])


class Pipeline(threading.Thread):
    """Nothing is acknowledged, to the broker or to a node, before the journal's commit.

    The thread reads and checks a batch while another one of its own has the batch before committed and
    acknowledged: a commit mostly waits for the disk.
    """

    def __init__(
        self,
        network: str,
        inbox: Inbox,
        journal: Journal,
        answers: Answers,
        *,
        limits: Limits,
        most: int,
        linger_s: float = 0.05,
    ) -> None:
        super().__init__(name="pipeline", daemon=True)
        self._network = network
        self._inbox = inbox
        self._journal = journal
        self._answers = answers
        self._limits = limits
        self._most = most
        self._linger_s = linger_s
        self._stopping = threading.Event()
        # Whether a batch that is read waits for the one before: then more is coming than is committed.
        self.behind = False
        self.counters = Counters()
        self.heart = Heartbeat()

    def adjust(self, *, limits: Limits, most: int, linger_s: float) -> None:
        """Go on by other settings, from the next batch on."""
        self._limits, self._most, self._linger_s = limits, most, linger_s

    def run(self) -> None:
        with Aside[None]("journalling") as aside:
            before = aside.begin(lambda: None)
            while not self._stopping.is_set():
                before = self._next(aside, before)
            before.result()

    def _next(self, aside: Aside[None], before: Future[None]) -> Future[None]:
        """Take the next batch and have it finished once the one before is; the last one's end."""
        self.heart.back_within(STALL_SECONDS)
        messages = self._inbox.take(self._most, self._linger_s, IDLE_SECONDS)  # receive
        work = self.sort(messages)  # decode, identify, check
        self.behind = bool(messages) and not before.done()
        before.result()
        self.behind = False
        if not messages:
            return before
        return aside.begin(partial(self._finish, messages, work))  # journal, acknowledge

    def _finish(self, messages: list[Incoming], work: Work) -> None:
        """Take a batch to its acks. A bug in the journal costs the message that meets it, not the others."""
        try:
            done = self._commit(work.batch)  # journal
        except Exception:
            log.exception("a bug in the journal; the messages are taken one by one", messages=len(messages))
            for message in messages:
                self._handle_alone(message)
            return
        if done is not None:
            self._acknowledge(messages, work, done)

    def _handle_alone(self, message: Incoming) -> None:
        work = self.sort([message])
        try:
            done = self._commit(work.batch)
        except Exception as error:  # noqa: BLE001 - logged by the caller, and told in the quarantine
            work = Work(Batch(self._network))
            work.batch.rejected.append(_whole(message, None, "gateway_error", _bug(error)))
            done = self._commit(work.batch)
        if done is not None:
            self._acknowledge([message], work, done)

    def sort(self, messages: list[Incoming]) -> Work:
        """Decode, identify and check every message; nothing that is in one can stop the others."""
        work = Work(Batch(self._network))
        for message in messages:
            address = None
            try:
                address = locate(message.topic, self._network)
                if address.kind == "status" and not message.payload:
                    continue  # MQTT's own way to clear a retained message
                identified = identify(address, decode(message.payload, message.size))
                self._check(identified, message, work)
            except UnreadableError as fault:
                node = address.node if address else None
                work.batch.rejected.append(_whole(message, node, fault.reason, fault.detail))
                if address is not None and address.kind == "readings":
                    work.refused[address.node] = fault.detail
            except Exception as error:
                log.exception("a bug in the pipeline; the message is quarantined", topic=message.topic)
                work.batch.rejected.append(_whole(message, None, "gateway_error", _bug(error)))
        return work

    def _check(self, it: Identified, message: Incoming, work: Work) -> None:
        node, said, batch = it.address.node, it.message, work.batch
        live = not message.retain
        if isinstance(said, ReadingsEnvelope):
            origin = Origin(message.received_ms, message.topic, node, said.boot)
            verdicts = [check(item, origin, self._limits) for item in said.readings]
            batch.readings += [each for each in verdicts if isinstance(each, NewReading)]
            batch.rejected += [each for each in verdicts if isinstance(each, Rejected)]
            if all(each.seq is None for each in verdicts):
                work.refused[node] = "no reading in it has a readable seq"
            batch.sightings.append(Sighting(message.received_ms, node, live, boot=said.boot))
        elif isinstance(said, Health):
            batch.claims += [Claim(message.received_ms, node, boot, last) for boot, last in said.born]
            # What the node did not say stays unsaid: a default would look like its word.
            health = said.model_dump(mode="json", exclude_unset=True)
            if said.crash:
                log.warning("a node tells of its last crash", node=node, boot=said.boot, crash=said.crash)
            batch.sightings.append(Sighting(message.received_ms, node, live, boot=said.boot, health=health))
        elif isinstance(said, Online):
            status = said.model_dump(mode="json", exclude_unset=True)
            if said.mode == "safe" and live:
                log.warning("a node is in safe mode: it measures nothing", node=node, boot=said.boot)
            if said.config_rejected and live:
                log.warning("a node has rejected its settings", node=node, version=said.config_rejected)
            batch.sightings.append(
                Sighting(message.received_ms, node, live, online=True, boot=said.boot, status=status)
            )
        else:
            assert isinstance(said, Offline)
            # The broker says so, for the node.
            batch.sightings.append(Sighting(message.received_ms, node, False, online=False))

    def _commit(self, batch: Batch) -> Committed | None:
        """Commit, however often it takes; None when the gateway is told to stop meanwhile."""
        if batch.empty():
            return Committed()
        delay, failures = 0.1, 0
        while True:
            self.heart.back_within(STALL_SECONDS)
            started = time.monotonic()
            try:
                done = self._journal.commit(batch)
            except sqlite3.Error as error:
                self.counters.add_failure(str(error))
                failures += 1
                log.error(
                    "the journal cannot be written; nothing is acknowledged, so nothing is lost",
                    path=str(self._journal.path),
                    problem=str(error),
                    retry_s=delay,
                )
                if self._stopping.wait(delay):
                    return None
                delay = min(delay * 2, LONGEST_RETRY_SECONDS)
            else:
                if failures:
                    log.info(
                        "the journal can be written again",
                        path=str(self._journal.path),
                        failed_attempts=failures,
                    )
                self.counters.add(done, time.monotonic() - started)
                return done

    def _acknowledge(self, messages: list[Incoming], work: Work, done: Committed) -> None:
        self.counters.received += len(messages)
        self.counters.batch_messages.observe(len(messages))
        self._answers.acknowledge(messages)
        answers = [
            (topics.build(self._network, node, "ack"), answer)
            for (node, boot), held in done.held.items()
            for answer in acknowledgements(boot, held, done.named[node, boot])
        ]
        for node, why in work.refused.items():
            answers.append((topics.build(self._network, node, "ack"), refusal(why)))
        self._answers.answer(answers)
        for reason, count in done.quarantined.items():
            last = next((it for it in work.batch.rejected if it.reason == reason), None)
            node, detail = (last.node, last.detail) if last else (None, None)
            log.warning("quarantined", reason=reason, count=count, node=node, detail=detail)

    def stop(self, seconds: float = 2.0) -> bool:
        """Finish the batch under way and end; the rest stays with the broker. True when it has ended."""
        self._stopping.set()
        if self.ident is not None:
            self.join(seconds)
        return not self.is_alive()


def _bug(error: Exception) -> str:
    return f"the gateway failed on it: {type(error).__name__}; please report this"


def _whole(message: Incoming, node: str | None, reason: str, detail: str) -> Rejected:
    kept = message.payload[:MAX_MESSAGE_BYTES]
    size = message.size
    return Rejected(message.received_ms, message.topic, node, None, None, reason, detail, kept, size)
