"""The contract's `health` message."""

import gc


def message(app):
    """What the node knows of itself, as a dict of the contract's form. `born` is what the ledger counts."""
    outbox = app.outbox
    counters = {}
    for part in (app, app.link, app.timekeeper, app.sender):
        counters.update(part.counters)
    counters["thinned"] = outbox.thinned
    counters["config_problems"] = len(app.config.problems)
    gc.collect()
    return {
        "v": 1,
        "boot": outbox.boot,
        "up": app.now() // 1000,
        "t": app.clock.utc(),
        "heap_free": gc.mem_free(),
        "rssi": app.link.wifi.rssi(),
        "reset": app.reset,
        "measuring": any(m.measuring for m in app.measurements),
        "born": outbox.born,
        "outbox": {"depth": outbox.depth, "bytes": outbox.bytes, "aside": outbox.aside},
        "sensors": [sensor.health() for sensor in app.sensors],
        "counters": counters,
    }
