"""Calibrations out of fits: what stands in their files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.quality.calibration.fit import Fit, stretched
from gateway.quality.calibration.record import Calibration, Origin, Subject, now
from gateway.quality.calibration.remote import Gain


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def from_fit(
    made: Fit,
    name: str,
    version: int,
    subject: Subject,
    field: str,
    begins: datetime,
    ends: datetime | None = None,
) -> Calibration:
    """Of kind field or model, by whether `subject` names a unit."""
    starts = made.pairs.starts
    return Calibration.model_validate(
        {
            "name": name,
            "version": version,
            "kind": "model" if subject.node is None else "field",
            "made": now(),
            "from": begins,
            "to": ends,
            "for": subject,
            "field": field,
            "form": made.form,
            "coefficients": made.coefficients,
            "valid": made.valid,
            "before": made.before,
            "after": made.after,
            "folds": made.folds,
            "origin": Origin(
                references=made.pairs.station.split(", "),
                units=made.pairs.unit.split(", "),
                since=utc(int(starts.min())),
                until=utc(int(starts.max()) + 3600),
                hours=len(starts),
                sha256=made.sha256,
            ),
            "notes": list(made.notes),
        }
    )


def from_gain(
    gain: Gain,
    base: Calibration,
    name: str,
    version: int,
    subject: Subject,
    references: Sequence[str],
    span: tuple[int, int],
    sha256: str,
    begins: datetime,
    ends: datetime | None = None,
) -> Calibration:
    """Of kind remote: `base`, which is its model's, times the gain. `span`: first and last second that it
    is from."""
    return Calibration.model_validate(
        {
            "name": name,
            "version": version,
            "kind": "remote",
            "made": now(),
            "from": begins,
            "to": ends,
            "for": subject,
            "field": base.field,
            "form": base.form,
            "coefficients": stretched(base.coefficients, gain.gain),
            "valid": base.valid,
            "gain_uncertainty": round(gain.uncertainty, 4),
            "origin": Origin(
                references=list(references),
                units=[f"{subject.node}/{subject.slot}"],
                since=utc(span[0]),
                until=utc(span[1]),
                hours=gain.hours,
                sha256=sha256,
                base=base.id,
            ),
            "notes": [
                f"gain {gain.gain:.3f} on top of {base.id}, of {gain.hours} mixed hours on {gain.days} days"
            ],
        }
    )
