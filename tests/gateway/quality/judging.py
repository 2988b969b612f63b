"""What the checks are given in tests: samples, series of them, and what a judge makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from gateway.quality.checks import Judge, QualitySettings, Sample, names_of
from gateway.quality.checks.near import Spot

# 2025-01-15 00:00 UTC: winter, a full hour.
T0 = 1_736_899_200
_EMPTY: dict[str, Any] = dict.fromkeys(Sample._fields)


def sample(minute: float, pm25: float | None = 10.0, **changes: Any) -> Sample:
    """A good reading of an SDS011 at T0 and so many minutes; `id` grows with time unless given."""
    t = T0 + round(60 * minute)
    given: dict[str, Any] = {
        "id": 1 + round(60 * minute),
        "node_id": 1,
        "node": "n1",
        "slot": "a",
        "model": "sds011",
        "boot": 1,
        "t": t,
        "tq": "ntp",
        "received_ms": (t + 2) * 1000,
        "up": 100_000 + round(60 * minute),
        "dt": 60,
        "n": 58,
        "flags": "",
        "pm25": pm25,
        "pm10": None if pm25 is None else round(pm25 * 1.5, 2),
        "temp": 5.0,
        "rh": 50.0,
        "press": 1000.0,
    }
    return Sample(**{**_EMPTY, **given, **changes})


def series(values: Iterable[float | None], start: float = 0.0, **changes: Any) -> list[Sample]:
    """One reading a minute."""
    return [sample(start + minute, value, **changes) for minute, value in enumerate(values)]


def wobbling(count: int, level: float = 10.0) -> list[float]:
    """Values of a sound sensor in calm air, no two in a row the same."""
    return [round(level + (minute * 7 % 11 - 5) * level / 100, 2) for minute in range(count)]


def places(count: int, apart_km: float = 1.0) -> dict[str, Spot]:
    """Nodes n1, n2, ... in a row from south to north."""
    return {
        f"n{i}": SimpleNamespace(lat=52.0 + (i - 1) * apart_km / 111.2, lon=21.0) for i in range(1, count + 1)
    }


def settings(**sections: Any) -> QualitySettings:
    return QualitySettings.model_validate(sections)


def judge_all(
    samples: Iterable[Sample],
    judge: Judge | None = None,
    where: Mapping[str, Spot] | None = None,
    **sections: Any,
) -> dict[int, int]:
    """Bits by the samples' ids, with what later samples added."""
    judge = judge or Judge(settings(**sections), where or {})
    found: dict[int, int] = {}
    for each in samples:
        found[each.id] = judge.judge(each)
        for earlier, bits in judge.take_amended():
            found[earlier.id] |= bits
    return found


def names(samples: Sequence[Sample], **more: Any) -> list[list[str]]:
    """What was found on each sample, by name."""
    found = judge_all(samples, **more)
    return [names_of(found[each.id]) for each in samples]
