"""How a driver reaches a sensor on a UART. Sensors on I2C or a single pin: buses.py.

A port has
  step(driver, now, take)  let the driver write or read once, without waiting; give its events to `take`
  resync()                 drop what is half read
  recoveries, stuck        how often its bus had to be freed, and whether the last time was in vain
"""


class UartPort:
    """`uart` is a machine.UART that does not block: readinto(buf) -> int or None, write(bytes)."""

    recoveries = 0
    stuck = False
    # One for all: what is read goes to the driver before anything else is.
    _buf = bytearray(64)
    _view = memoryview(_buf)

    def __init__(self, uart):
        self.uart = uart

    def step(self, driver, now, take):
        command = driver.tick(now)
        if command:
            self.uart.write(command)
        for _ in range(16):  # a UART that never runs dry must not hold up the others
            n = self.uart.readinto(self._buf)
            if not n:
                return
            for event in driver.feed(self._view[:n]):
                take(event)
            if n < len(self._buf):
                return

    def resync(self):
        for _ in range(64):
            if not self.uart.readinto(self._buf):
                return

    def close(self):
        self.uart.deinit()
