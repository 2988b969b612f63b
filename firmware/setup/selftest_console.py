"""The selftest on the serial console, for whoever stands before the node with a computer; no network needed:

    mpremote exec "from setup.selftest_console import run; run()" + reset

It runs the whole node for at most a minute, which measures and connects as ever, and prints what it found.
"""

import asyncio

from node import use_once

_LOOK_S = 2


def run(seconds=60, languages=("en", "pl")):
    """Print the results in these languages, once all is up, or after so many seconds."""
    import board
    from node.app import App

    try:
        asyncio.run(_run(App(board), seconds, languages))
    finally:
        board.note_end()  # what resets the board now is no panic


async def _run(app, seconds, languages):
    asyncio.create_task(app.run())
    print("selftest: listening for up to", seconds, "s")
    until = app.now() + seconds * 1000
    while app.now() < until and not _is_up(app):  # noqa: ASYNC110 - many things come true, none sets an event
        await asyncio.sleep(_LOOK_S)
    results = await use_once("selftest", "results_of", app)
    print()
    for one in results:
        word = {True: "ok", False: "BAD", None: "?"}[one["ok"]]
        head = f"{word:4}{one['part']:9} "
        for language in languages:
            print(head + one[language])
            head = " " * len(head)
    bad = sum([one["ok"] is False for one in results])
    print("selftest:", f"{bad} to be put right" if bad else "nothing is at fault")
    app.link.drop()


def _is_up(app):
    heard = all(sensor.driver.frames for sensor in app.sensors)
    return heard and not app.unfound and app.link.up.is_set() and app.clock.known
