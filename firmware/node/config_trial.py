"""What happens often while settings are on trial; config_remote.py is needed now and then only."""

import asyncio

from node import use_once


def watcher(app):
    """What app.keep() runs."""
    return lambda: _watch(app)


async def _watch(app):
    config = app.config
    while config.trial:
        step = max(1, min(60, config.trial_s // 10))
        await asyncio.sleep(step)
        if config.trial:
            use_once("config_remote", "tick", app, step)


def reached(app):
    """The gateway has acked. That counts when it was sent with these settings; and once more in the trial's
    second half, as they may work for some minutes only."""
    trial = app.config.trial
    heard = 2 if trial[0] * 2 >= app.config.trial_s else 1
    if trial[3] < heard and app.sender.counters["batches"] > trial[5]:
        trial[3] = heard
        use_once("config_remote", "keep", app)
