"""What is done to a mute sensor, rung by rung. Loaded when a rung is due, and dropped again."""

from micropython import const

from node import use_once
from node.measure import POLL_MS, sleep_ms

_SETTLE_MS = const(5000)  # so long a sensor may take to say that it sleeps
_OFF_MS = const(5000)  # its capacitors are empty by then
_HOUR_MS = const(3600000)
_PASSES = const(5)  # about a quarter of an hour


async def climb(app, sensor, rung):
    """Do what the rung says."""
    await _climb(app, sensor, rung)
    mute(sensor)


def mute(sensor):
    """Its state says so, unless it says more already."""
    if sensor.state in ("ok", "warming_up", "silent", "bus_stuck"):
        sensor.state = "bus_stuck" if sensor.port.stuck else "silent"


async def _climb(app, sensor, rung):
    """After a whole pass without any frame since the start, find out why; of a sensor
    that was well before, after _PASSES: by then it may have been wired anew, or exchanged."""
    print("sensor", sensor.slot, "gives no values:", rung)
    driver = sensor.driver
    now = sensor.now()
    if rung == "resync":
        driver.reset()
        sensor.port.resync()
        if "i2c" in sensor.entry and not driver.frames:
            use_once("fit", "readdress", sensor)
        return
    if rung == "sleep_wake":
        driver.sleep(now)
        while not driver.settled and sensor.now() - now < _SETTLE_MS:
            sensor.port.step(driver, sensor.now(), _leave)
            await sleep_ms(POLL_MS)
    elif rung == "power_cycle":
        on = sensor.entry.get("power_on", 1)
        sensor.switch.value(1 - on)
        await sleep_ms(_OFF_MS)
        sensor.switch.value(on)
        driver.reset()
        sensor.port.resync()
    if hasattr(driver, "wake"):
        driver.wake(sensor.now())
    else:
        driver.reset()
    if sensor.ladder.full < (_PASSES if driver.frames else 1):
        return
    if sensor.diagnosed is None or sensor.now() - sensor.diagnosed >= _HOUR_MS:
        sensor.diagnosed = sensor.now()
        await use_once("detect", "explain", app, sensor)


def _leave(_event):
    pass
