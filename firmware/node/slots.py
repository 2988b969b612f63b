"""What a sensor's slot begins with. Loaded when one is made."""

from node import Seldom, use_once
from node.sampler import Sampler


def _slot(it, entry, driver, port, now, can_sleep):
    it.entry = entry
    it.slot = entry["slot"]
    it.driver = driver
    it.port = port
    it.now = now
    it.beat = 0  # grows while run() gets on, see guard.py
    it.odometer = None
    it.state = "warming_up"
    it.switch = None  # the pin that switches its supply
    it.rescue = None  # async (sensor, rung of the ladder): do what the rung says, see rungs.py
    it.ladder = Seldom("ladder", "power" in entry, can_sleep)


def climate(it, entry, driver, port, now, slots):
    """Of a Climate."""
    _slot(it, entry, driver, port, now, False)
    it._slots = slots
    it.last = None  # the newest values
    it.last_at = 0  # ms since boot when they came


def measurement(it, entry, driver, port, settings, on_reading, now, odometer):
    """Of a Measurement."""
    _slot(it, entry, driver, port, now, True)
    it.measuring = True  # False: no reading is born until `measure` is switched on again
    it.agree = it.climate = None
    it._settings = settings
    it._on_reading = on_reading
    it.odometer = odometer
    it._sampler = Sampler()
    it._start = 0  # ms since boot when warm-up, window or sleep began
    it._asleep = False  # told to sleep; false at first, as a sensor runs when it gets power
    it._awake = False  # told to wake
    it._counted = 0  # ms since boot up to which the laser's seconds are counted
    it._framed = 0  # the driver's frames by then
    it._open = False  # within a window
    it._wet = 0  # s since boot of the first of the windows in a row with humidity at its end
    it._reading = None  # of the window that has just ended
    use_once("window", "begin", it)
