"""The gateway's configuration: one TOML file, and the environment for secrets.

DUSTLINE_BROKER__PASSWORD in the environment stands for `password` in [broker], and wins over the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from gateway.broker_settings import BrokerSettings
from gateway.config_file import (
    ENV_DELIMITER,
    ENV_PREFIX,
    ConfigError,
    explain,
    read_toml,
    refuse_unknown_variables,
)
from gateway.destinations.settings import InfluxSettings
from gateway.districts import WARSAW, Spot
from gateway.enrol.settings import EnrolSettings
from gateway.enrol.store import StoreError, enrolled_places
from gateway.numbers import Int
from gateway.operate.settings import MonitorSettings
from gateway.places import AnyPlace, Place, PlaceError, PublicPlace, public_place
from gateway.places_file import load_districts, load_places
from gateway.quality.checks.settings import QualitySettings
from gateway.releases.settings import ReleasesSettings
from gateway.standby.settings import StandbySettings
from gateway.topics import valid_name
from gateway.web.settings import WebSettings

DEFAULT_FILE = Path("gateway.toml")
# SQLite's limit on Unix is 512, with room for the names it makes of it.
MOST_PATH_BYTES = 500
AnySettings = TypeVar("AnySettings", bound=BaseSettings)


class JournalSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(
        Path("dustline-journal.sqlite"),
        description="The journal, an SQLite file. A relative path starts at this file's directory: "
        "for a file in /etc, name one such as /var/lib/dustline/journal.sqlite.",
    )
    synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL",
        description="FULL survives a power cut; NORMAL is faster and may lose acknowledged readings in one.",
    )
    batch: Int = Field(500, ge=1, le=10000, description="Most messages in one commit.")
    wait_ms: Int = Field(50, ge=1, le=5000, description="Longest wait for a batch to fill, ms.")
    keep_days: Int = Field(
        1100,
        ge=0,
        le=36500,
        description="Readings that came longer ago are deleted, unless a destination has not got them; days. "
        "0: never. Without a destination only a value that is set here deletes.",
    )
    max_mb: Int = Field(
        50000,
        ge=0,
        le=100_000_000,
        description="Beyond this size the oldest readings are deleted, unless a destination has not got "
        "them; MB, of which each holds some 7,000 readings. 0: no limit. Without a destination only a value "
        "that is set here deletes.",
    )

    @field_validator("path")
    @classmethod
    def _names_a_file(cls, path: Path) -> Path:
        fault = "path must name a file, not a directory; it is made when it does not exist"
        if not path.name or "\0" in str(path):
            raise ValueError(fault)
        if len(os.fsencode(path.absolute())) > MOST_PATH_BYTES:
            raise ValueError(
                f"path is longer than {MOST_PATH_BYTES} bytes, which SQLite cannot open: shorten it"
            )
        try:
            # The longest name that SQLite makes beside it.
            os.stat(path.with_name(path.name + "-journal"))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise ValueError(
                f"path cannot be used ({error.strerror}): set another, or run as the gateway's user"
            ) from error
        if path.is_dir():
            raise ValueError(fault)
        return path


class QuarantineSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    max_entries: Int = Field(
        100_000,
        ge=100,
        le=10_000_000,
        description="Beyond this number the oldest entries are dropped and counted.",
    )
    max_mb: Int = Field(
        200,
        ge=1,
        le=1_000_000,
        description="Beyond this size the oldest entries are dropped and counted, MB.",
    )


class CheckSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    future_s: Int = Field(
        600, ge=0, le=86400, description="A reading further ahead of the gateway's clock is quarantined, s."
    )
    oldest_days: Int = Field(
        400, ge=1, le=36500, description="A reading older than that is quarantined, days."
    )


class CalibrationSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(
        None,
        description="Folder of the calibrations that `dustline calibrate` writes, a file each; see "
        "docs/calibration.md. A relative path starts at this file's directory.",
    )
    stations: Path | None = Field(
        None,
        description="TOML file of the reference stations, as for `dustline calibrate remote`: what all units "
        "read wrong alike is taken off by the hours that stations report, see docs/calibration.md. A "
        "relative path starts at this file's directory.",
    )


class LogSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least to be logged.")
    format: Literal["auto", "console", "json"] = Field(
        "auto", description='"auto" is console on a terminal and one JSON object a line elsewhere.'
    )


class _FromFile(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        extra="forbid",
        frozen=True,
        # So that an error never shows a secret.
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


class Settings(_FromFile):
    """Everything the gateway can be told."""

    network: str = Field("warsaw", description="Name of the network: the third level of every topic.")
    nodes_file: Path | None = Field(
        None,
        description="TOML file with the nodes' places: a table [nodes.NAME] each, with label, lat, lon, and "
        'precision: how exact the public sees it, "exact", "grid" or "district".',
    )
    districts_file: Path | None = Field(
        None,
        description="TOML file with the city's districts: a table [districts.NAME] each, with lat and lon of "
        "its centre. Without it they are Warsaw's.",
    )
    broker: BrokerSettings = Field(
        default_factory=BrokerSettings.model_construct, description="The MQTT broker."
    )
    journal: JournalSettings = Field(
        default_factory=JournalSettings.model_construct,
        description="The journal: everything accepted is in here before it is acknowledged.",
    )
    quarantine: QuarantineSettings = Field(
        default_factory=QuarantineSettings.model_construct,
        description="What could not be taken as a reading; it is in the journal's file.",
    )
    checks: CheckSettings = Field(
        default_factory=CheckSettings.model_construct, description="What times are plausible."
    )
    quality: QualitySettings = Field(
        default_factory=QualitySettings.model_construct,
        description="What readings are worth; docs/quality-checks.md explains every check.",
    )
    influx: InfluxSettings = Field(
        default_factory=InfluxSettings.model_construct,
        description="InfluxDB, a destination besides the journal.",
    )
    web: WebSettings = Field(default_factory=WebSettings.model_construct, description="The web page.")
    monitor: MonitorSettings = Field(
        default_factory=MonitorSettings.model_construct,
        description="Metrics and health, for Prometheus and a supervisor; see docs/operation.md.",
    )
    standby: StandbySettings = Field(
        default_factory=StandbySettings.model_construct, description="Another gateway that takes over."
    )
    calibration: CalibrationSettings = Field(
        default_factory=CalibrationSettings.model_construct,
        description="Field calibrations of units and models.",
    )
    releases: ReleasesSettings = Field(
        default_factory=ReleasesSettings.model_construct,
        description="Updates of nodes over the air; see docs/updates.md.",
    )
    enrol: EnrolSettings = Field(
        default_factory=EnrolSettings.model_construct,
        description="Giving nodes their credentials; see docs/enrolment.md.",
    )
    log: LogSettings = Field(
        default_factory=LogSettings.model_construct, description="The gateway's own log."
    )
    _listed: dict[str, AnyPlace] = PrivateAttr(default_factory=dict[str, AnyPlace])
    _districts: dict[str, Spot] = PrivateAttr(default_factory=lambda: dict(WARSAW))
    _places: dict[str, Place] = PrivateAttr(default_factory=dict[str, Place])
    _public: dict[str, PublicPlace] = PrivateAttr(default_factory=dict[str, PublicPlace])

    @field_validator("network")
    @classmethod
    def _network_name(cls, network: str) -> str:
        if not valid_name(network):
            raise ValueError("network must be 1 to 32 of a-z, 0-9 and -")
        return network

    @model_validator(mode="after")
    def _leave_room_for_readings(self) -> Settings:
        if 0 < self.journal.max_mb < 2 * self.quarantine.max_mb:
            raise ValueError(
                "journal.max_mb must be at least twice quarantine.max_mb, whose entries are in the same file"
            )
        return self

    def model_post_init(self, context: Any, /) -> None:
        """Read the places; raises ConfigError."""
        if self.districts_file is not None:
            self._districts = load_districts(self.districts_file)
        if self.nodes_file is not None:
            self._listed.update(load_places(self.nodes_file))
        self._places, self._public = self.current_places()

    def current_places(self) -> tuple[dict[str, Place], dict[str, PublicPlace]]:
        """Exact and public places: of the nodes file as it was read, and of who is enrolled now.

        The nodes file's go before. Raises ConfigError.
        """
        try:
            enrolled = enrolled_places(self.enrol.store)
        except StoreError as error:
            raise ConfigError(f"enrol.store: {error}") from error
        places = {**enrolled, **self._listed}
        public: dict[str, PublicPlace] = {}
        for node, place in places.items():
            try:
                public[node] = public_place(place, self._districts)
            except PlaceError as error:
                where = self.nodes_file if node in self._listed else self.enrol.store
                raise ConfigError(f"{where}: nodes.{node}: {error}") from error
        return {node: place for node, place in places.items() if isinstance(place, Place)}, public

    @property
    def districts(self) -> dict[str, Spot]:
        """Centre of each district."""
        return self._districts

    @property
    def places(self) -> dict[str, Place]:
        """Exact place of each node that has one: for the gateway's own sums, and for no answer to anybody."""
        return self._places

    @property
    def public_places(self) -> dict[str, PublicPlace]:
        """What the public may see, of each node that has a place."""
        return self._public


class _JournalOnly(_FromFile):
    model_config = SettingsConfigDict(extra="ignore")

    journal: JournalSettings = Field(default_factory=JournalSettings.model_construct)


class _JournalAndPlaces(_JournalOnly):
    nodes_file: Path | None = None
    enrol: EnrolSettings = Field(default_factory=EnrolSettings.model_construct)


class _ReleasesOnly(_JournalOnly):
    releases: ReleasesSettings = Field(default_factory=ReleasesSettings.model_construct)


def load_releases(file: Path | None) -> tuple[ReleasesSettings, Path]:
    """Read where releases are kept, and nothing that needs a secret: (settings, the store's file).

    Raises ConfigError."""
    found = _load(_ReleasesOnly, file)
    return found.releases, found.releases.store_beside(found.journal.path)


def load(file: Path | None) -> Settings:
    """Read the configuration; without a file, gateway.toml of this directory or else the defaults.

    Raises ConfigError.
    """
    refuse_unknown_variables(Settings.model_fields)
    return _load(Settings, file)


def load_journal(file: Path | None) -> JournalSettings:
    """Read where the journal is, as `load` does, and leave everything else unjudged: to look into the
    journal, nobody needs the secrets of the broker or a database. Raises ConfigError."""
    return _load(_JournalOnly, file).journal


def load_sites(file: Path | None) -> tuple[JournalSettings, dict[str, AnyPlace]]:
    """The same with the nodes' places, those of who is enrolled too. Raises ConfigError."""
    found = _load(_JournalAndPlaces, file)
    try:
        places = dict(enrolled_places(found.enrol.store))
    except StoreError as error:
        raise ConfigError(f"enrol.store: {error}") from error
    if found.nodes_file is not None:
        places.update(load_places(found.nodes_file))
    return found.journal, places


def _load(kind: type[AnySettings], file: Path | None) -> AnySettings:
    if file is None:
        file = DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    document: dict[str, Any] = {} if file is None else read_toml(file)
    name = "the defaults" if file is None else str(file)
    home = Path() if file is None else file.parent
    if file is not None and isinstance(document.setdefault("journal", {}), dict):
        document["journal"].setdefault("path", str(JournalSettings.model_construct().path))
    if file is not None and isinstance(document.setdefault("enrol", {}), dict):
        document["enrol"].setdefault("store", str(EnrolSettings.model_construct().store))
    _resolve_paths(document, home)
    try:
        return kind(**document)
    except ValidationError as error:
        raise ConfigError(explain(error, name)) from error
    except SettingsError as error:
        raise ConfigError(
            f"environment: a variable that begins with {ENV_PREFIX} cannot be read: {error}"
        ) from error


def _resolve_paths(document: dict[str, Any], home: Path) -> None:
    """Let relative paths start at the configuration's own directory."""
    for section, key in (
        (None, "nodes_file"),
        ("journal", "path"),
        ("broker", "ca_file"),
        ("influx", "ca_file"),
        ("calibration", "folder"),
        ("releases", "store"),
        ("releases", "public_keys"),
        (None, "districts_file"),
        *(("enrol", key) for key in ("store", "ca_file", "password_file", "acl_file", "pid_file")),
        ("calibration", "stations"),
    ):
        table = document if section is None else document.get(section)
        if isinstance(table, dict):
            values = cast("dict[str, Any]", table)
            if isinstance(values.get(key), str):
                values[key] = str(home / values[key])
