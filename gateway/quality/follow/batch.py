"""Judge some samples one after the other: the stream does so with what comes, a span with what lies there."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.quality.checks.judge import Judge
from gateway.quality.checks.sample import Sample
from gateway.quality.corrected.corrector import Corrector, Made
from gateway.quality.follow.store import Judgements


def judge_batch(judge: Judge, samples: Sequence[Sample], corrector: Corrector | None = None) -> Judgements:
    """Their `qc` and corrected values, the bits that they add to samples judged before, and the hours that
    they close."""
    qc: dict[int, int] = {}
    made: dict[int, Made] = {}
    for s in samples:
        bits = qc[s.id] = judge.judge(s)
        if corrector is not None:
            one = corrector.correct(s, bits)
            if one is not None:
                made[s.id] = one
                judge.network.correct(s, one.pm25, one.pm10, (*one.by, one.factor))
    found = Judgements(hours=judge.take_hours(), made=made)
    for earlier, bits in judge.take_amended():
        if corrector is not None:
            corrector.amend(earlier, bits)
        if earlier.id in qc:
            qc[earlier.id] |= bits
        else:
            found.added.append((earlier.id, bits))
    if corrector is not None:
        found.factors = corrector.take_factors()
    found.qc = list(qc.items())
    return found
