"""Which faults are found, how soon, and how often somebody is called for nothing.

An alarm stands on a unit while the same bit was on half of an hour's readings, now and in one of the two
hours before, or on three readings as a spike within six hours, or while nothing came from it for an hour.
`humid` and `rate` speak of the air and raise none. A fault is found when an alarm stands on its unit (or
any unit of its node) while it lasts. Alarms with less than a day between them are one. One is false when no
fault was on at its node from its beginning back to a day before. (Silence is no check: the gateway knows
when it heard of a node last.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.accuracy.judged import NOT_BORN, Bits
from bench.accuracy.town import HOUR, Town
from gateway.quality.checks import BAD, QC_BITS, SUSPECT, mask_of, names_of

SILENT = 1 << 30
RAISING = (BAD | SUSPECT | mask_of("climate")) & ~mask_of("humid", "rate", "spike")
SPIKE = QC_BITS["spike"]
SPIKES, SPIKE_HOURS = 3, 6
AFTER_H = 24  # alarms so long after a fault still belong to it
APART_H = 24
MONTH_H = 720
MORE_THAN_H = 6.0


@dataclass
class Found:
    """Of one kind of fault: how many, how many found, hours until then, by which bits at first."""

    faults: int = 0
    found: int = 0
    hours: list[float] = field(default_factory=list[float])
    by: Counter[str] = field(default_factory=Counter[str])


@dataclass
class Detection:
    kinds: dict[str, Found] = field(default_factory=lambda: defaultdict(Found))
    false: int = 0
    false_by: Counter[str] = field(default_factory=Counter[str])
    node_months: float = 0.0

    @property
    def false_rate(self) -> float:
        return self.false / self.node_months if self.node_months else 0.0


def alarms(qc: Bits, per_hour: int) -> npt.NDArray[np.int32]:
    """(hours, units): the bits that raise an alarm at the end of each hour."""
    hours = len(qc) // per_hour
    cut = qc[: hours * per_hour].reshape(hours, per_hour, qc.shape[1])
    born = cut != NOT_BORN
    count = born.sum(axis=1)
    standing = np.zeros((hours, qc.shape[1]), dtype=np.int32)
    for bit in (1 << place for place in range(30)):
        if not bit & (RAISING | SPIKE):
            continue
        marked = ((cut & bit) != 0) & born
        if bit == SPIKE:
            total = np.cumsum(marked.sum(axis=1), axis=0)
            before = np.vstack(
                [np.zeros((SPIKE_HOURS, qc.shape[1]), dtype=total.dtype), total[:-SPIKE_HOURS]]
            )
            standing |= np.where(total - before[:hours] >= SPIKES, bit, 0).astype(np.int32)
            continue
        half = (2 * marked.sum(axis=1) >= count) & (count > 0)
        before = np.vstack([np.zeros((2, qc.shape[1]), dtype=np.bool_), half])[:-1]
        again = half & (before[1:] | before[:-1])
        standing |= np.where(again, bit, 0).astype(np.int32)
    return standing | np.where(count == 0, SILENT, 0).astype(np.int32)


def detect(town: Town, qc: Bits, into: Detection) -> None:
    """Score one town, and add it up in `into`."""
    standing = alarms(qc, HOUR // town.lights.period)
    hours = len(standing)
    covered: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for fault in town.lights.faults:
        begin, end = (int((at - town.begin) // HOUR) for at in (fault.begin, fault.end))
        covered[fault.node].append((begin, end + AFTER_H))
        if fault.end - fault.begin <= MORE_THAN_H * HOUR:
            continue
        own = [
            number
            for number in town.lights.columns[fault.node]
            if fault.of_node or town.units[number].slot == fault.slot
        ]
        kind = into.kinds[fault.kind]
        kind.faults += 1
        during = standing[begin : min(end + 1, hours), own]
        rows = np.flatnonzero(during.any(axis=1))
        if len(rows):
            kind.found += 1
            kind.hours.append(max(0.0, (begin + int(rows[0]) + 1) - (fault.begin - town.begin) / HOUR))
            kind.by.update(_names(int(np.bitwise_or.reduce(during[rows[0]]))))
    for node, own in town.lights.columns.items():
        bits = np.bitwise_or.reduce(standing[:, own], axis=1)
        for begin, end in _episodes(np.flatnonzero(bits)):
            if not any(begin <= last and end >= first for first, last in covered[node]):
                into.false += 1
                into.false_by.update(_names(int(np.bitwise_or.reduce(bits[begin : end + 1]))))
    into.node_months += len(town.lights.columns) * hours / MONTH_H


def _episodes(rows: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for row in rows.tolist():
        if out and row - out[-1][1] <= APART_H:
            out[-1] = (out[-1][0], row)
        else:
            out.append((row, row))
    return out


def _names(bits: int) -> list[str]:
    return names_of(bits & ~SILENT) + (["silence"] if bits & SILENT else [])
