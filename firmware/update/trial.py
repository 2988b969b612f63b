"""A new version on trial: it must get a reading acked that was born with it, and publish `health`, within
`trial_s` of uptime. Stays in the heap until then."""

import asyncio

from micropython import const

from node import use_once

_LOOK_MS = const(1000)


def watcher(app):
    """What app.keep() runs."""
    return lambda: _watch(app)


async def _watch(app):
    app.awake += 1  # a wake would count as a start
    try:
        state = use_once(".update.state", "load")
        reads = state.get("reads", False)
        config = app.config
        # As long as the clock is not known, readings wait for it.
        limit_s = max(config.trial_s, 2 * (config.window_s + (config.warmup_s or 30)))
        state = None
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            missing = _missing(app, reads)
            if not missing:
                _stand(app)
                return
            wait_s = limit_s if app.clock.known else limit_s + config.clock_wait_s
            if app.now() > wait_s * 1000:
                _go_back(app, f"{missing} within {wait_s} s")
                return
    finally:
        app.awake -= 1


def _missing(app, reads):
    """What it has still to do, in words; None when nothing is missing."""
    if app.safe:
        return "it is in safe mode and measured nothing"
    if not app.health_due:
        return "no health report was published"
    if reads and app.sender.acked != app.outbox.boot:
        return "no reading of it was acked"
    return None


def _stand(app):
    state = use_once(".update.state", "load")
    floors = (state["floor"], state[state["run"]][2])
    floor = max(floors, key=lambda version: use_once(".update.state", "key", version))
    use_once(".update.state", "end", app, "good", None, {"trial": None, "floor": floor})


def _go_back(app, why):
    """To the version before. It stays when that is not there any more."""
    state = use_once(".update.state", "load")
    run = state["run"]
    other = use_once(".update.state", "spare", state)
    if not state[other]:
        why += ", but there is no other version"
        use_once(".update.state", "end", app, "good", why, {"trial": None})
        return
    state["run"] = other
    state[run] = state["trial"] = None
    state["changed"] = True
    state["update"] = [state["update"][0], "fell_back", why]
    use_once(".update.state", "save", state)
    print("update: going back:", why)
    use_once(".update.state", "restart", app)
