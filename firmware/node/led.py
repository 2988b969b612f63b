"""What the LED says. Pure: asked for an instant, it answers light or none."""

from micropython import const

_STEP_MS = const(250)
# A bit for each quarter of a second, the lowest first; 16 of them, and then again.
_STARTING = const(0xFFFF)  # on
_MEASURING = const(0x0001)  # a short flash every 4 s
_NO_WIFI = const(0x0005)  # two flashes
_NO_BROKER = const(0x0015)  # three
_FAULT = const(0x0055)  # four
_IDENTIFY = const(0x5555)  # fast, without a pause
_SAFE = const(0x00FF)  # 2 s on, 2 s off


def light(app, now):
    """0 or 1 at `now`, in ms: the pattern of what is most important to say."""
    if now < app.blink_until:
        pattern = _IDENTIFY
    elif app.safe:
        pattern = _SAFE
    elif not app.running:
        pattern = _STARTING
    elif not app.link.joined.is_set():
        pattern = _NO_WIFI
    elif not app.link.up.is_set():
        pattern = _NO_BROKER
    else:
        pattern = _MEASURING
        for sensor in app.sensors:
            if sensor.state not in ("ok", "warming_up", "asleep"):
                pattern = _FAULT
    return pattern >> (now // _STEP_MS & 15) & 1
