"""The contract's `health` message. Loaded when one is due, and dropped again."""

import gc
import json

from node import files, use_once


def message(app):
    """What the node knows of itself, as JSON of the contract's form. `born` is what the ledger counts."""
    # Before all else: what they load for it need not be there together with the message.
    app.crash = use_once("crash", "pending", app.board)
    clock = use_once("epochs", "health", app.clock)
    update = use_once(".update.state", "report")
    sensors = [of_sensor(sensor) for sensor in app.sensors]
    outbox = app.outbox
    counters = {}
    for part in (app, app.link, app.timekeeper, app.sender, outbox):
        counters.update(part.counters)
    counters["thinned"] = outbox.thinned
    counters["written"] = outbox.written + files.written()
    counters["crashes"] = app.crashes
    counters["config_problems"] = len(app.config.problems)
    gc.collect()
    out = {
        "v": 1,
        "boot": outbox.boot,
        "up": app.now() // 1000,
        "t": app.clock.utc(),
        "heap_free": gc.mem_free(),
        "rssi": app.link.wifi.rssi(),
        "reset": app.reset,
        "mode": "safe" if app.safe else "normal",
        "measuring": any(m.measuring for m in app.measurements),
        "born": outbox.born,
        "outbox": {"depth": outbox.depth, "bytes": outbox.bytes, "aside": outbox.aside},
        "sensors": sensors,
        "counters": counters,
    }
    if clock:
        out["clock"] = clock
    if app.crash:
        out["crash"] = app.crash
    if update:
        out["update"] = update
    return json.dumps(out).encode()


def errors(sensor):
    """What went wrong with a Sensor since the start, as counters by reason."""
    driver = sensor.driver
    out = dict(driver.rejects)
    out.update(sensor.faults)
    out.update(sensor.ladder.counts)
    if driver.retries:
        out["retries"] = driver.retries
    if sensor.port.recoveries:
        out["bus_recovery"] = sensor.port.recoveries
    return out


def of_sensor(sensor):
    """The entry of a Sensor."""
    driver = sensor.driver
    out = {
        "slot": sensor.slot,
        "model": driver.model,
        "frames": driver.frames,
        "errors": errors(sensor),
        "state": sensor.state,
    }
    if driver.id:
        out["id"] = driver.id
    if driver.fw:
        out["fw"] = driver.fw
    if sensor.odometer and driver.warmup_s:
        out["laser_h"] = round(sensor.odometer.hours(sensor.slot, driver.id), 3)
    return out
