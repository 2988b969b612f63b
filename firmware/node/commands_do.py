"""What a command takes time for. Loaded for one; it stays until that is over, and so does what it needs.
`commands` of the App counts what is under way: the board does not sleep before.
"""

import asyncio
import json

from micropython import const

from node import use_once
from node.mqtt.errors import MqttError

_REPLY_MS = const(8000)  # a restart waits so long for its reply to be sent
_RESTART_MS = const(2000)  # and so long after it, for the broker to hear that the command has come


async def say(app, name, ok, text):
    """Reply to the command of this id."""
    try:
        await _send(app, json.dumps({"v": 1, "id": name, "ok": ok, "text": text}).encode())
    finally:
        app.commands -= 1


async def selftest(app, name):
    try:
        try:
            results = await use_once("selftest", "results_of", app)
            ok = not any(one["ok"] is False for one in results)
            reply = {"v": 1, "id": name, "ok": ok, "results": results}
        except Exception as error:  # noqa: BLE001 - somebody waits for a reply
            print("selftest: cannot be done:", repr(error))
            text = "the test itself failed: " + repr(error)[:100]
            reply = {"v": 1, "id": name, "ok": False, "text": text}
        payload = json.dumps(reply).encode()
        results = reply = None  # as large again, and it may take a while until the broker has it
        await _send(app, payload)
    finally:
        app.commands -= 1


async def reboot(app, name):
    try:
        if app.config.trial:
            use_once("config_remote", "asked", app)
        try:
            reply = {"v": 1, "id": name, "ok": True, "text": "starting anew in 2 s"}
            await asyncio.wait_for_ms(_send(app, json.dumps(reply).encode()), _REPLY_MS)
        except asyncio.TimeoutError:
            print("command: the broker does not take the reply")
        await asyncio.sleep_ms(_RESTART_MS)
        app.link.drop()  # so that the broker declares the node offline now, and not when it misses it
        app.board.restart()
    finally:
        app.commands -= 1


async def _send(app, reply):
    """Publish it. It goes out while there is a connection, or not at all."""
    try:
        await app.link.publish("reply", reply)
    except MqttError as error:
        print("command: the reply is not sent:", error)
