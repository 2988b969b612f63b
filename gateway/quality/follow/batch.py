"""Judge some samples one after the other: the stream does so with what comes, a span with what lies there."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.quality.checks.judge import Judge
from gateway.quality.checks.sample import Sample
from gateway.quality.follow.store import Judgements


def judge_batch(judge: Judge, samples: Sequence[Sample]) -> Judgements:
    """Their `qc`, the bits that they add to samples judged before, and the hours that they close."""
    qc: dict[int, int] = {}
    for s in samples:
        qc[s.id] = judge.judge(s)
    found = Judgements(hours=judge.take_hours())
    for earlier, bits in judge.take_amended():
        if earlier.id in qc:
            qc[earlier.id] |= bits
        else:
            found.added.append((earlier.id, bits))
    found.qc = list(qc.items())
    return found
