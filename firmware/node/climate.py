"""One climate sensor: its temperature, humidity and pressure go to the windows of all particle sensors."""

from node.measure import Sensor


class Climate(Sensor):
    """`slots` is the live list of the node's Measurements."""

    def __init__(self, entry, driver, port, now, slots):
        Sensor.__init__(self, entry, driver, port, now, False)
        self._slots = slots
        self.last = None  # the newest values
        self.last_at = 0  # ms since boot when they came

    async def run(self):
        """Read for ever; whether readings are made is not its business."""
        self.ladder.expect(self.now())
        take = self.take
        while True:
            await self.poll(take)

    def take(self, event):
        if event["kind"] == "error":
            self.fault(event)
            return
        self.last = event
        self.last_at = now = self.now()
        self.ladder.heard(now)
        # A value that stands still may be fog: flagged, but nothing to send anybody to the sensor for.
        self.state = "failed" if self.driver.climate_flag == "climate_error" else "ok"
        for slot in self._slots:
            slot.take_climate(event)
