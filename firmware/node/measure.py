"""One sensor slot: wake it, let it warm up, average a window, hand the reading on, let it sleep."""

import asyncio

from micropython import const

from node.sampler import Sampler

POLL_MS = 50
# A wake command that took effect this much after the first counts as the first: frames may be slow to come.
_SLACK_MS = const(5000)
# Rejects that say frames came and were damaged; garbage alone may be a wrong speed or noise.
_DAMAGED = ("checksum", "tail", "length", "truncated")


async def _sleep_ms(ms):
    await asyncio.sleep(ms / 1000)


sleep_ms = getattr(asyncio, "sleep_ms", _sleep_ms)  # CPython has none


class Measurement:
    """Runs one driver on one UART.

    driver      see node.drivers.duty
    uart        machine.UART, non-blocking: readinto(buf) -> int or None, write(bytes)
    settings    live attributes warmup_s, window_s, sleep_s, measure
    on_reading  called with each reading: slot, model, up, dt, n, values, flags
    now         () -> ms since boot, growing

    Exceptions of uart and on_reading leave run(): whoever started it restarts it.
    """

    def __init__(self, slot, driver, uart, settings, on_reading, now):
        self.slot = slot
        self.driver = driver
        self.readings = 0
        self.measuring = True  # False: no reading is born until `measure` is switched on again
        self._uart = uart
        self._settings = settings
        self._on_reading = on_reading
        self._now = now
        self._buf = bytearray(64)
        self._view = memoryview(self._buf)
        self._sampler = Sampler()
        self._asleep = False  # told to sleep; false at first, as a sensor runs when it gets power
        self._woken = None  # ms since boot when it was told to wake, while it is awake
        self._laser_ms = 0
        self._device_errors = 0  # frames in which the sensor reported an error, since the start
        self._begin()

    # Health.

    @property
    def frames(self):
        return self.driver.parser.frames

    @property
    def errors(self):
        """Counters since the start, by reason."""
        errors = dict(self.driver.parser.rejects)
        if self._device_errors:
            errors["device_error"] = self._device_errors
        if self.driver.retries:
            errors["retries"] = self.driver.retries
        return errors

    @property
    def laser_s(self):
        """Seconds since the start for which fan and laser were told to run."""
        running = 0 if self._woken is None else self._now() - self._woken
        return (self._laser_ms + running) // 1000

    def health(self):
        """The contract's health entry of this sensor."""
        return {
            "slot": self.slot,
            "model": self.driver.model,
            "frames": self.frames,
            "errors": self.errors,
            "laser_h": round(self.laser_s / 3600, 3),
        }

    # The cycle.

    async def run(self):
        """Measure for ever. `measure` = False drops the window under way and puts the sensor to sleep."""
        settings = self._settings
        start = self._now()
        while True:
            if not settings.measure:
                self.measuring = False
                self._sleep()
                await self._poll(None)
                continue
            self.measuring = True
            if self._woken is None:
                start = self._wake()
                while settings.measure and self._now() - start < settings.warmup_s * 1000:
                    await self._poll(None)
                start = self._now()
            self._begin()
            while settings.measure and self._now() - start < settings.window_s * 1000:
                await self._poll(self._use)
            if not settings.measure:
                continue
            end = self._end(start)
            self._publish(start, end)
            if settings.sleep_s <= 0:
                start = end
                continue
            asleep = self._sleep()
            while settings.measure and self._now() - asleep < settings.sleep_s * 1000:
                await self._poll(None)

    def _wake(self):
        now = self._now()
        self.driver.wake(now)
        self._woken = now
        self._asleep = False
        return now

    def _sleep(self):
        now = self._now()
        if self._woken is not None:
            self._laser_ms += now - self._woken
            self._woken = None
        if not self._asleep:
            self.driver.sleep(now)
            self._asleep = True
        return now

    def _end(self, start):
        """End of the window in ms: the planned one when about on time, so that windows join without drift."""
        now = self._now()
        planned = start + self._settings.window_s * 1000
        return planned if now - planned < 1000 else now

    async def _poll(self, use):
        """One step: write what the driver wants, wait, read what came. `use` takes each event, if given."""
        now = self._now()
        command = self.driver.tick(now)
        if command:
            self._uart.write(command)
        await sleep_ms(POLL_MS)
        self._read(use)

    def _read(self, use):
        for _ in range(16):  # a UART that never runs dry must not hold up the others
            n = self._uart.readinto(self._buf)
            if not n:
                return
            for event in self.driver.feed(self._view[:n]):
                if event["kind"] == "error":
                    self._device_errors += 1
                if use:
                    use(event)
            if n < len(self._buf):
                return

    # A window.

    def _begin(self):
        self._sampler.close()
        rejects = self.driver.parser.rejects
        self._damaged_before = sum(rejects.get(name, 0) for name in _DAMAGED)
        self._range_before = rejects.get("out_of_range", 0)
        self._failed = self._cold = 0  # frames with a device error; frames of a fan not up to speed
        self._saturated = False

    def _use(self, event):
        awake = self.driver.awake_since
        if event["kind"] == "error":
            self._failed += 1
        elif awake is None or self._now() - awake + _SLACK_MS < self._settings.warmup_s * 1000:
            self._cold += 1
        else:
            ceiling = self.driver.ceiling
            for name in ceiling:
                if event.get(name, 0) >= ceiling[name]:
                    self._saturated = True
            self._sampler.add(event)

    def _publish(self, start, end):
        reading = self._sampler.close()
        reading["slot"] = self.slot
        reading["model"] = self.driver.model
        reading["up"] = end // 1000
        reading["dt"] = (end - start + 500) // 1000
        reading["flags"] = flags = []
        if self._failed:
            flags.append("device_error")
        if self._saturated:
            flags.append("saturated")
        if not reading["n"]:
            reading["pm25"] = reading["pm10"] = None
            if not flags:
                flags.append(self._why_nothing())
        self.readings += 1
        self._on_reading(reading)

    def _why_nothing(self):
        rejects = self.driver.parser.rejects
        if self._cold:
            return "warming_up"
        if rejects.get("out_of_range", 0) > self._range_before:
            return "out_of_range"
        if sum(rejects.get(name, 0) for name in _DAMAGED) > self._damaged_before:
            return "bad_checksum"
        return "no_frame"
