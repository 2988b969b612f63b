"""The wire contract as pydantic models: strict types, no unknown fields, finite numbers, a bool is no number.

The same rules stand in tests/contract/schema.json for everyone else; a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from typing_extensions import TypedDict

MAX_MESSAGE_BYTES = 8192
MAX_READINGS = 60
MAX_EXCEPTIONS = 64
MAX_SEQ = 4294967295


def _unique(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("an entry is repeated")
    return values


def _only_true(value: bool) -> bool:
    if not value:
        raise ValueError("must be true")
    return value


def _only_false(value: bool) -> bool:
    if value:
        raise ValueError("must be false")
    return value


# Not Literal[1], which takes True for 1; nor Literal[True], which takes 1.
Version = Annotated[int, Field(ge=1, le=1)]
Seq = Annotated[int, Field(ge=1, le=MAX_SEQ)]
Boot = Annotated[int, Field(ge=1, le=MAX_SEQ)]
Born = Annotated[int, Field(ge=0, le=MAX_SEQ)]
Utc = Annotated[int, Field(ge=0, le=4294967295)]
# What SQLite and every reader of JSON holds exactly; a larger one cannot be stored as it is.
MAX_COUNT = 9007199254740991
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Slot = Annotated[str, Field(pattern=r"^[a-z0-9]{1,8}$")]
Model = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,16}$")]
Label = Annotated[str, Field(pattern=r"^[ -~]{1,32}$")]
MassConcentration = Annotated[float, Field(ge=-1000, le=100000)]  # ug/m3
NumberConcentration = Annotated[float, Field(ge=0, le=10000000)]  # per 0.1 L
CounterName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,24}$")]
Counters = Annotated[dict[CounterName, Count], Field(max_length=64)]
Reset = Literal["power", "hard", "soft", "watchdog", "deepsleep", "unknown"]
Mode = Literal["normal", "safe"]
SettingsVersion = Annotated[int, Field(ge=1, le=2147483647)]
CommandId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
Command = Literal["identify", "reboot", "selftest", "update"]
Release = Annotated[str, Field(pattern=r"^[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}$")]
MAX_BUNDLE_BYTES = 1048576
MAX_CHUNK_BYTES = 2048  # of a bundle, behind the four bytes that say from where on
Flag = Literal[
    "no_frame",
    "bad_checksum",
    "warming_up",
    "stuck",
    "saturated",
    "device_error",
    "out_of_range",
    "disagree",
    "climate_error",
    "climate_stuck",
]
# How a node finds its sensor; what to do then stands in docs/contract.md and on the page.
SensorState = Literal[
    "ok", "warming_up", "asleep", "silent", "swapped", "wrong_speed", "not_found", "bus_stuck", "failed"
]


class Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class ReadingItem(TypedDict):
    """One reading. The measured values have the names of gateway.reading.FIELDS.

    A dict and no model: what is absent then costs nothing, and a reading is judged in half the time.
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)  # pyright: ignore[reportGeneralTypeIssues]

    seq: Seq
    t: Utc | None
    tq: Literal["ntp", "held", "back", "none"]
    up: Count
    dt: Annotated[int, Field(ge=0, le=86400)]
    n: Annotated[int, Field(ge=0, le=1000000)]
    slot: Slot
    model: Model
    pm1: NotRequired[MassConcentration | None]
    pm25: NotRequired[MassConcentration | None]
    pm4: NotRequired[MassConcentration | None]
    pm10: NotRequired[MassConcentration | None]
    pm1_cf1: NotRequired[MassConcentration | None]
    pm25_cf1: NotRequired[MassConcentration | None]
    pm10_cf1: NotRequired[MassConcentration | None]
    pm25_sd: NotRequired[MassConcentration | None]
    pm10_sd: NotRequired[MassConcentration | None]
    n03: NotRequired[NumberConcentration | None]
    n05: NotRequired[NumberConcentration | None]
    n1: NotRequired[NumberConcentration | None]
    n25: NotRequired[NumberConcentration | None]
    n5: NotRequired[NumberConcentration | None]
    n10: NotRequired[NumberConcentration | None]
    temp: NotRequired[Annotated[float, Field(ge=-100, le=200)] | None]
    rh: NotRequired[Annotated[float, Field(ge=-10, le=200)] | None]
    press: NotRequired[Annotated[float, Field(ge=0, le=2000)] | None]
    flags: Annotated[list[Flag], Field(max_length=16), AfterValidator(_unique)]


def _holds_together(reading: ReadingItem) -> ReadingItem:
    if (reading["tq"] == "none") != (reading["t"] is None):
        raise ValueError("t is null exactly when tq is none")
    if reading.get("pm25") is None and not reading["flags"]:
        raise ValueError("pm25 is missing and no flag says why")
    return reading


Reading = Annotated[ReadingItem, AfterValidator(_holds_together)]
READING: TypeAdapter[ReadingItem] = TypeAdapter(Reading)


class ReadingsEnvelope(Message):
    """What holds the readings; each of them is judged on its own, so that one bad one spoils no other."""

    v: Version
    boot: Boot
    readings: Annotated[list[Any], Field(min_length=1, max_length=MAX_READINGS)]


class Readings(Message):
    """The whole message at once."""

    v: Version
    boot: Boot
    readings: Annotated[list[Reading], Field(min_length=1, max_length=MAX_READINGS)]


class Sensor(Message):
    slot: Slot
    model: Model


class Offline(Message):
    v: Version
    online: Annotated[bool, AfterValidator(_only_false)]


class Online(Message):
    v: Version
    online: Annotated[bool, AfterValidator(_only_true)]
    boot: Boot
    fw: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,32}$")]
    reset: Reset
    config: Count
    config_rejected: SettingsVersion = 0
    mode: Mode = "normal"
    sensors: Annotated[list[Sensor], Field(max_length=8)]


class Outbox(Message):
    depth: Count
    bytes: Count
    aside: Count


class SensorHealth(Message):
    """What has a default here may be absent; the journal then has no key for it."""

    slot: Slot
    model: Model
    frames: Count
    errors: Counters
    laser_h: Annotated[float, Field(ge=0)] = 0.0
    id: Label = ""
    fw: Label = ""
    state: SensorState = "ok"


class ClockHealth(Message):
    drift_ppm: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0
    age_s: Count = 0


class UpdateHealth(Message):
    """How a node's last update stands; docs/node/update.md has what the states mean."""

    version: Release
    state: Literal["loading", "trial", "good", "fell_back", "refused"]
    why: Annotated[str, Field(min_length=1, max_length=200)] = ""


class Health(Message):
    """What has a default here may be absent, see SensorHealth."""

    v: Version
    boot: Boot
    up: Count
    t: Utc | None
    heap_free: Count
    rssi: Annotated[int, Field(ge=-200, le=20)] | None = None
    reset: Reset
    measuring: bool = True
    mode: Mode = "normal"
    clock: ClockHealth = ClockHealth()
    crash: Annotated[str, Field(min_length=1, max_length=600)] = ""
    update: UpdateHealth = UpdateHealth.model_construct(version="", state="good")  # "" = none was told of
    # JSON has no tuples: strict=False lets a list stand for one, its items stay strict.
    born: Annotated[
        list[Annotated[tuple[Boot, Born], Field(strict=False)]], Field(min_length=1, max_length=16)
    ]
    outbox: Outbox
    sensors: Annotated[list[SensorHealth], Field(max_length=8)]
    counters: Counters


class Ack(Message):
    """Written by the gateway; here so that the contract's test can hold it to the schema."""

    v: Version
    boot: Boot
    from_: Annotated[int, Field(alias="from", ge=1, le=MAX_SEQ)] = 1
    upto: Seq
    except_: Annotated[
        list[Seq | Annotated[tuple[Seq, Seq], Field(strict=False)]],
        Field(alias="except", max_length=MAX_EXCEPTIONS),
    ] = []


class Refusal(Message):
    v: Version
    refused: Annotated[str, Field(min_length=1, max_length=200)]


class NodeSettings(Message):
    """What may stand in a config message; the firmware has the defaults that count."""

    measure: bool = True
    warmup_s: Annotated[int, Field(ge=0, le=600)] = 30
    window_s: Annotated[int, Field(ge=1, le=3600)] = 60
    sleep_s: Annotated[int, Field(ge=0, le=86400)] = 0
    health_s: Annotated[int, Field(ge=1, le=86400)] = 600
    backlog_per_min: Annotated[int, Field(ge=1, le=6000)] = 600
    ack_timeout_s: Annotated[int, Field(ge=1, le=600)] = 20
    spread_s: Annotated[int, Field(ge=0, le=600)] = 60


class NodeConfig(Message):
    v: Version
    version: SettingsVersion
    settings: NodeSettings


class NodeCommand(Message):
    v: Version
    id: CommandId
    t: Utc
    do: Command
    seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    version: Release = ""
    size: Annotated[int, Field(ge=1, le=MAX_BUNDLE_BYTES)] = 0
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = ""

    @model_validator(mode="after")
    def _names_a_bundle(self) -> Self:
        named = {"version", "size", "sha256"} & self.model_fields_set
        if self.do == "update" and len(named) < 3:
            raise ValueError("an update needs version, size and sha256")
        if self.do != "update" and named:
            raise ValueError("version, size and sha256 are of update only")
        return self


class Fetch(Message):
    """A node asks for a piece of the bundle that it loads; a `chunk` answers it."""

    v: Version
    version: Release
    from_: Annotated[int, Field(alias="from", ge=0, lt=MAX_BUNDLE_BYTES)]
    len: Annotated[int, Field(ge=1, le=MAX_CHUNK_BYTES)]


class Result(Message):
    """One part of a selftest; `ok` None = it cannot be known."""

    part: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,16}$")]
    ok: bool | None
    en: Annotated[str, Field(min_length=1, max_length=400)]
    pl: Annotated[str, Field(min_length=1, max_length=400)]


class Reply(Message):
    v: Version
    id: CommandId
    ok: bool
    text: Annotated[str, Field(min_length=1, max_length=200)] = ""
    results: Annotated[list[Result], Field(max_length=16)] = []


MODELS: dict[str, tuple[type[Message], ...]] = {
    "readings": (Readings,),
    "status": (Offline, Online),
    "health": (Health,),
    "ack": (Ack, Refusal),
    "config": (NodeConfig,),
    "command": (NodeCommand,),
    "reply": (Reply,),
    "fetch": (Fetch,),
}


def explain(error: ValidationError, most: int = 3) -> str:
    """What is wrong, field by field, for a person: `pm25: must be a valid number, not true`."""
    found = error.errors(include_url=False, include_context=False)
    told = [_explain_one(each["loc"], each["type"], each["msg"], each["input"]) for each in found[:most]]
    if len(found) > most:
        told.append(f"and {len(found) - most} more")
    return "; ".join(told)


def _explain_one(place: tuple[int | str, ...], type: str, message: str, value: Any) -> str:
    where = ".".join(str(part)[:40] for part in place)
    if type == "missing":
        return f"{where} is missing"
    if type == "extra_forbidden":
        return f"{where} is not a field of the contract"
    if type == "value_error":
        said = message.removeprefix("Value error, ")
        return f"{where}: {said}" if where else said
    said = message.replace("Input should be", "must be").partition(" or instance of")[0]
    said = said.replace("a valid dictionary", "an object")
    if type in ("too_short", "too_long"):  # the message has the number already
        return f"{where}: {said.replace(' after validation', '')}"
    return f"{where}: {said}, not {_show(value)}" if where else f"{said}, not {_show(value)}"


def _show(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    try:
        text = repr(value)
    except ValueError:  # an int of thousands of digits
        return "a number far too large"
    return text if len(text) <= 40 else text[:40] + "..."
