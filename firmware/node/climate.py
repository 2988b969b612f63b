"""One climate sensor: its temperature, humidity and pressure go to the windows of all particle sensors."""

# pyright: reportAttributeAccessIssue=false
# slots.py gives it its attributes.

from node import use_once
from node.measure import POLL_MS, Measurement, sleep_ms


class Climate(Measurement):
    """`slots` is the live list of the node's Measurements. It is fitted and mended as one of them is."""

    def __init__(self, *parts):
        """entry, driver, port, now, slots"""
        use_once("slots", "climate", self, *parts)

    async def run(self):
        """Read for ever; whether readings are made is not its business."""
        self.ladder.expect(self.now())
        take = self.take
        while True:
            await sleep_ms(POLL_MS)
            rung = self.step(take)
            if rung:
                await self.rescue(self, rung)

    def take(self, event):
        if event["kind"] == "error":
            self.fault(event)
            return
        self.last = event
        self.last_at = now = self.now()
        self.heard(now)
        # A value that stands still may be fog: flagged, but nothing to send anybody to the sensor for.
        self.state = "failed" if self.driver.climate_flag == "climate_error" else "ok"
        for slot in self._slots:
            slot.take_climate(event)
