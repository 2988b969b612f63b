"""How much current a node takes, and how fast its lasers wear: arithmetic over power_data's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator import power_data as data

DAY_S = 86400
MODES = ("always-on", "modem-sleep", "deep-sleep")


@dataclass(frozen=True)
class Cycle:
    """Seconds, as in the node's settings. With no sleep the sensor runs on and warms up once only."""

    warmup_s: float
    window_s: float
    sleep_s: float

    @property
    def length_s(self) -> float:
        return self.warmup_s + self.window_s + self.sleep_s if self.sleep_s else self.window_s

    @property
    def awake_s(self) -> float:
        return self.length_s - self.sleep_s

    @property
    def awake(self) -> float:
        """The share of the time that the sensor runs, 0 to 1."""
        return self.awake_s / self.length_s


@dataclass(frozen=True)
class SensorUse:
    """One sensor of the node. mA on average at its own supply; life in years, None without a laser."""

    model: str
    average_ma: float
    supply_v: float
    laser_h_per_year: float
    laser_years: float | None

    @property
    def mah_per_day(self) -> float:
        return 24 * self.average_ma


@dataclass(frozen=True)
class Use:
    """The whole node."""

    sensors: tuple[SensorUse, ...]
    board_ma: float  # on average, at board_v
    board_v: float  # 5 in front of a linear regulator, else 3.3
    usb_ma: float  # on average from 5 V
    cell_ma: float  # on average from a lithium-ion cell
    readings_per_day: float
    battery_days: float | None


def sensor_use(model: str, cycle: Cycle, switched: bool = False) -> SensorUse:
    """`switched`: the node cuts the sensor's supply while it sleeps."""
    figures = data.SENSORS[model]
    runs_on = not figures.sleeps and not switched
    awake = 1.0 if runs_on else cycle.awake
    resting = 0.0 if switched else figures.sleep.value
    average = figures.active.value * awake + resting * (1 - awake)
    if figures.start and figures.start_s and cycle.sleep_s and not runs_on:
        started = min(figures.start_s.value, cycle.awake_s) / cycle.length_s
        average += (figures.start.value - figures.active.value) * started
    hours = data.YEAR_H * awake if figures.life else 0.0
    years = figures.life.value / hours if figures.life else None
    return SensorUse(model, average, figures.supply.value, hours, years)


def board_use(board: str, cycle: Cycle, mode: str) -> float:
    """mA on average, at 5 V in front of a linear regulator, else at 3.3 V."""
    figures = data.BOARDS[board]
    if mode == "always-on":
        chip = figures.listening.value
    elif mode == "modem-sleep" or not cycle.sleep_s:
        chip = figures.modem_sleep.value
    else:
        online = min(data.CONNECT_S.value, cycle.awake_s)
        charge = figures.listening.value * online + figures.modem_sleep.value * (cycle.awake_s - online)
        chip = (charge + figures.deep_sleep.value * cycle.sleep_s) / cycle.length_s
    return chip + sum(figure.value for _, figure in figures.extra)


def node_use(
    models: Sequence[str],
    cycle: Cycle,
    board: str,
    mode: str = "always-on",
    battery_mah: float | None = None,
    switched: bool = False,
) -> Use:
    """What a node takes. A 3.3 V sensor on a linear board is fed through its regulator, as the chip is.

    From USB: 5 V loads as they are, 3.3 V loads through a converter. From a cell: all through converters.
    """
    sensors = tuple(sensor_use(model, cycle, switched) for model in models)
    linear = data.BOARDS[board].linear
    board_ma = board_use(board, cycle, mode)
    five = sum(each.average_ma for each in sensors if each.supply_v == 5 or linear)
    three = sum(each.average_ma for each in sensors if each.supply_v != 5 and not linear)
    if linear:
        five += board_ma
    else:
        three += board_ma
    efficiency = data.CONVERTER.value
    cell_ma = (five * 5 + three * 3.3) / efficiency / data.CELL_V.value
    return Use(
        sensors=sensors,
        board_ma=board_ma,
        board_v=5.0 if linear else 3.3,
        usb_ma=five + three * 3.3 / 5 / efficiency,
        cell_ma=cell_ma,
        readings_per_day=DAY_S / cycle.length_s,
        battery_days=battery_mah * data.USABLE.value / cell_ma / 24 if battery_mah else None,
    )


def sources(models: Sequence[str], board: str) -> list[tuple[str, data.Figure]]:
    """Each number that the answer used, with a name."""
    found = [
        (f"{model} {name}", figure)
        for model in dict.fromkeys(models)
        for name, figure in data.SENSORS[model].figures().items()
    ]
    found += [(f"{board} {name}", figure) for name, figure in data.BOARDS[board].figures().items()]
    found += [("converter efficiency", data.CONVERTER), ("cell voltage", data.CELL_V)]
    return [*found, ("usable share of a battery", data.USABLE), ("time online per wake", data.CONNECT_S)]
