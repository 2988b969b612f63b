"""Count the time while settings are on trial; config_remote.py is needed now and then only."""

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
