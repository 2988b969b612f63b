"""All that a check looks at, one finding at a time: a slow server does not hold back what is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Settings
from gateway.preflight.broker import check_broker
from gateway.preflight.broker_file import BrokerFile
from gateway.preflight.clock import check_clocks
from gateway.preflight.database import check_database
from gateway.preflight.disk import Speed, check_file, check_filesystem, check_space, check_speed
from gateway.preflight.enrolment import check_enrolment
from gateway.preflight.finding import Finding, ok, warn
from gateway.preflight.load import check_load, check_window
from gateway.preflight.mosquitto_conf import ConfError
from gateway.preflight.rate import Rate, find_rate
from gateway.standby.check import examine_lease


@dataclass(frozen=True, slots=True)
class Options:
    """`rate` in messages/s, None to find it out; `load` allows the trials that write to broker and disk."""

    rate: float | None = None
    broker_config: Path | None = None
    load: bool = True


def examine(settings: Settings, options: Options) -> Iterator[Finding]:
    yield ok("config", f"loads: network {settings.network}, {len(settings.public_places)} places")
    rate = find_rate(settings, options.rate)
    yield rate.finding()
    yield from check_clocks(settings)
    speed: Speed | None = None
    file = check_file(settings.journal.path)
    yield file
    yield check_filesystem(settings.journal.path)
    yield check_space(settings, rate)
    if options.load and file.level == "ok":
        told, speed = check_speed(settings, rate)
        yield told
    elif not options.load:
        yield warn("journal.speed", "not tried (--no-load)")
    yield check_window(settings)
    yield from _broker(settings, options, rate, speed)
    if settings.influx.enabled:
        yield from check_database(settings.influx)


def _broker(settings: Settings, options: Options, rate: Rate, speed: Speed | None) -> Iterator[Finding]:
    file: BrokerFile | None = None
    if options.broker_config is not None:
        try:
            file = BrokerFile(options.broker_config, settings, rate)
        except ConfError as error:
            yield warn(
                "broker_file", f"{error}; run the check on the broker's machine, as a user who may read it"
            )
    else:
        yield warn(
            "broker_file",
            "whether queues survive a restart of the broker (persistence, autosave_interval) cannot be seen "
            "from here: run the check on its machine with --broker-config /etc/mosquitto/mosquitto.conf",
        )
    if file is not None:
        yield from file.check()
    found, usable = check_broker(settings, file is not None)
    yield from found
    if not usable:
        return
    yield from examine_lease(settings)
    yield from check_enrolment(settings, options.load)
    if options.load:
        yield from check_load(settings, rate, speed, file is not None and file.queue_suffices)
    else:
        yield warn("broker.queue", "not tried (--no-load)")
        yield warn("broker.window", "not tried (--no-load)")
