"""The contract's `status` message. Loaded for one, and dropped again."""

from node import VERSION
from node.mqtt.errors import MqttError


def message(app):
    """As a dict."""
    found = {
        "v": 1,
        "online": True,
        "boot": app.outbox.boot,
        "fw": VERSION,
        "reset": app.reset,
        "config": app.config.version,
        "mode": "safe" if app.safe else "normal",
        "sensors": [{"slot": m.slot, "model": m.driver.model} for m in app.sensors],
    }
    if app.config.rejected:
        found["config_rejected"] = app.config.rejected
    return found


async def tell(app):
    """Tell the new state; when the connection has gone, the next one tells it anyway."""
    try:
        await app.link.publish_status()
    except MqttError as error:
        print("status not sent:", error)
