"""How a driver reaches a sensor on I2C. A port's methods: see ports.py."""

from micropython import const

from node import use_once

_NO_DEVICE = const(19)  # errno: nobody acknowledged. The bus itself works then: its lines were let go
_TIMEOUTS = const(3)  # so many other failures in a row, and the bus is freed


class Bus:
    """One I2C bus, shared by the ports of its sensors. `taken` holds the addresses of those."""

    def __init__(self, board, number, sda, scl):
        self.taken = []
        self.board = board
        self.wiring = number, sda, scl
        self.open()

    def open(self):
        """Give the pins to the I2C unit, again if need be."""
        self.i2c = self.board.open_i2c(*self.wiring)


class I2cPort:
    """A transfer that fails is told to the driver, and never ends the task. One blocks for its own time,
    a few milliseconds at 100 kHz."""

    recoveries = _timeouts = 0
    stuck = False  # SDA stays low whatever is done

    def __init__(self, bus, address):
        self.bus = bus
        self.address = address

    def step(self, driver, now, take):
        want = driver.tick(now)
        if want is None:
            return
        try:
            if isinstance(want, int):
                data = self.bus.i2c.readfrom(self.address, want)
            else:
                data = None
                self.bus.i2c.writeto(self.address, want)
        except OSError as error:
            driver.failed(now)
            if error.args[0] != _NO_DEVICE:
                self._timeouts += 1
                if self._timeouts >= _TIMEOUTS:
                    self.resync()
            return
        self._timeouts = 0
        self.stuck = False
        if data:
            for event in driver.feed(data):
                take(event)

    def resync(self):
        """Free the bus. Nothing is half read: each transfer is whole or has failed."""
        use_once("bus_free", "free", self)
