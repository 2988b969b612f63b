"""Settings of the checks: the sections [quality] and [quality.NAME] of the gateway's configuration.

Where a default comes from stands with its check, and in docs/quality-checks.md.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.numbers import Float, Int

Enabled = Annotated[bool, Field(description="Judge by it. False: its bit is never set.")]


class CheckSettings(BaseModel):
    """What every check's section has."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    enabled: Enabled = True


class WarmupSettings(CheckSettings):
    seconds: Int = Field(
        20, ge=0, le=3600, description="A window that begins sooner after the node's start is warm-up, s."
    )


class HumidSettings(CheckSettings):
    at: Float = Field(85.0, ge=0, le=101, description="From this humidity on, as the node measures it, %.")


class SizesSettings(CheckSettings):
    share: Float = Field(
        0.1, ge=0, le=1, description="So far a smaller size may stand above a larger one, share of it."
    )
    ug: Float = Field(2.0, ge=0, le=100, description="And by so much in any case, ug/m3.")


class ClockSettings(CheckSettings):
    ahead_s: Int = Field(
        120, ge=0, le=86400, description="A reading further ahead of its arrival is suspect, s."
    )
    jump_s: Int = Field(
        120,
        ge=1,
        le=86400,
        description="So far t may part from uptime since the last synchronised reading of a boot, s.",
    )


class RateSettings(CheckSettings):
    ug: Float = Field(80.0, gt=0, le=10000, description="A step of more than that, ug/m3,")
    factor: Float = Field(
        3.0, ge=1, le=1000, description="and to more than so many times or as little of it,"
    )
    within_s: Int = Field(900, ge=1, le=86400, description="between readings no further apart than that, s.")


class SpikeSettings(CheckSettings):
    window: Int = Field(15, ge=5, le=101, description="Readings before it that give median and MAD.")
    mads: Float = Field(10.0, gt=0, le=1000, description="Further than so many MAD from the median,")
    share: Float = Field(0.8, ge=0, le=100, description="and than that share of the median,")
    ug: Float = Field(10.0, gt=0, le=10000, description="and than that, ug/m3,")
    longest: Int = Field(2, ge=1, le=5, description="for at most so many readings: more are no spike.")
    gap_s: Int = Field(3600, ge=1, le=86400, description="A longer silence begins a new window, s.")


class StuckSettings(CheckSettings):
    minutes: Int = Field(30, ge=1, le=210, description="Equal values for so long, minutes;")
    low_minutes: Int = Field(
        180, ge=1, le=210, description="for so long where equal values are usual: all low, no counts."
    )
    readings: Int = Field(5, ge=2, le=1000, description="At least so many equal readings.")


class DisagreeSettings(CheckSettings):
    ug: Float = Field(5.0, gt=0, le=1000, description="Means of an hour this far apart, ug/m3,")
    share: Float = Field(0.7, gt=0, le=2, description="and by that share of their mean.")


class NeighbourSettings(CheckSettings):
    km_winter: Float = Field(11.5, gt=0, le=200, description="How far a neighbour may be, Dec to Feb, km.")
    km_spring: Float = Field(12.7, gt=0, le=200, description="The same, March to May, km.")
    km_summer: Float = Field(20.0, gt=0, le=200, description="The same, June to August, km.")
    km_autumn: Float = Field(17.0, gt=0, le=200, description="The same, September to November, km.")
    least: Int = Field(3, ge=1, le=50, description="Fewer neighbours with a value give no verdict.")
    most: Int = Field(10, ge=1, le=200, description="The nearest so many are asked.")
    ug: Float = Field(10.0, gt=0, le=1000, description="An hour's median this far from theirs, ug/m3,")
    share: Float = Field(0.8, gt=0, le=100, description="and by that share of theirs,")
    mads: Float = Field(4.0, gt=0, le=100, description="and by so many scaled MAD of theirs,")
    hours: Int = Field(3, ge=1, le=24, description="in so many of the last `hours` + 1 hours, to one side.")
    shift: Float = Field(
        1.6,
        gt=1,
        le=100,
        description="Or: the ratio to theirs in six hours is so many times the usual, or as little.",
    )
    lasting: Float = Field(
        1.35,
        gt=1,
        le=100,
        description="Or: in twelve hours so many times the usual, or as little, by `ug`, and so it goes on.",
    )


class CloggedSettings(CheckSettings):
    share: Float = Field(
        0.2, gt=0, lt=1, description="An hour's median below that share of the neighbours' median,"
    )
    ug: Float = Field(8.0, gt=0, le=1000, description="where theirs is at least that, ug/m3,")
    hours: Int = Field(3, ge=1, le=24, description="for so many hours in a row.")
    decline: Float = Field(
        0.6,
        gt=0,
        lt=1,
        description="Or: half a day's ratio to the neighbours fell to that share of the usual one.",
    )


class CompleteSettings(CheckSettings):
    share: Float = Field(
        0.75, gt=0, le=1, description="So much of an hour's readings or a day's hours must be there."
    )


class QualitySettings(BaseModel):
    """All checks. docs/quality-checks.md has a table of them."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        True, description="Judge readings; false: none is judged, and no quality is written."
    )
    settle_s: Int = Field(
        60, ge=1, le=86400, description="So long after the last late reading of a node it is judged anew, s."
    )
    corrected: Literal["calibration", "none", "epa-2021", "kappa-koehler"] = Field(
        "calibration",
        description="What is written beside raw values: what the calibrations of calibration.folder make of "
        "them, nothing, or a correction of docs/quality.md, for the sensors that it is for.",
    )
    range: CheckSettings = Field(
        default_factory=CheckSettings.model_construct, description="Beyond what a sensor can measure."
    )
    saturated: CheckSettings = Field(
        default_factory=CheckSettings.model_construct, description="At the end of the range."
    )
    device: CheckSettings = Field(
        default_factory=CheckSettings.model_construct, description="The sensor reports a fault."
    )
    climate: CheckSettings = Field(
        default_factory=CheckSettings.model_construct,
        description="Temperature, humidity or pressure tell nothing.",
    )
    warmup: WarmupSettings = Field(
        default_factory=WarmupSettings.model_construct, description="The sensor was not warm yet."
    )
    humid: HumidSettings = Field(
        default_factory=HumidSettings.model_construct,
        description="Particles are swollen by water, raw values too high.",
    )
    sizes: SizesSettings = Field(
        default_factory=SizesSettings.model_construct, description="Sizes or channels contradict each other."
    )
    clock: ClockSettings = Field(
        default_factory=ClockSettings.model_construct, description="The time is in doubt."
    )
    rate: RateSettings = Field(default_factory=RateSettings.model_construct, description="A steep change.")
    spike: SpikeSettings = Field(
        default_factory=SpikeSettings.model_construct, description="One or two readings far off."
    )
    stuck: StuckSettings = Field(
        default_factory=StuckSettings.model_construct, description="The values repeat."
    )
    disagree: DisagreeSettings = Field(
        default_factory=DisagreeSettings.model_construct, description="Two PM sensors of a node disagree."
    )
    neighbours: NeighbourSettings = Field(
        default_factory=NeighbourSettings.model_construct,
        description="Far from what stands around it, for hours.",
    )
    clogged: CloggedSettings = Field(
        default_factory=CloggedSettings.model_construct,
        description="Air does not get in, as against the neighbours.",
    )
    incomplete: CompleteSettings = Field(
        default_factory=CompleteSettings.model_construct,
        description="Too few readings of an hour, hours of a day.",
    )
