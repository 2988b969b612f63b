"""How a driver reaches a sensor on I2C, or on a pin of its own. A port's methods: see ports.py."""

from micropython import const

_NO_DEVICE = const(19)  # errno: nobody acknowledged. The bus itself works then: its lines were let go
_TIMEOUTS = const(3)  # so many other failures in a row, and the bus is freed


class Bus:
    """One I2C bus, shared by the ports of its sensors. `taken` holds the addresses of those."""

    def __init__(self, board, number, sda, scl):
        self.taken = []
        self._board = board
        self._wiring = number, sda, scl
        self.open()

    def open(self):
        """Give the pins to the I2C unit, again if need be."""
        self.i2c = self._board.open_i2c(*self._wiring)

    def recover(self):
        """Clock a device out of a transfer that it holds SDA low for. True when SDA is free."""
        free = self._board.recover_i2c(*self._wiring[1:])
        self.open()
        return free


class I2cPort:
    """A transfer that fails is told to the driver, and never ends the task. One blocks for its own time,
    a few milliseconds at 100 kHz."""

    def __init__(self, bus, address):
        self.bus = bus
        self.recoveries = 0
        self.stuck = False  # SDA stays low whatever is done
        self.address = address
        self._timeouts = 0

    def step(self, driver, now, take):
        want = driver.tick(now)
        if want is None:
            return
        try:
            data = self._transfer(want)
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

    def _transfer(self, want) -> "bytes | bytearray | None":
        if isinstance(want, int):
            return self.bus.i2c.readfrom(self.address, want)
        self.bus.i2c.writeto(self.address, want)
        return None

    def resync(self):
        """Free the bus. Nothing is half read: each transfer is whole or has failed."""
        self._timeouts = 0
        self.recoveries += 1
        self.stuck = not self.bus.recover()


class DhtPort(I2cPort):
    """A DHT22's pin, which the chip reads in one go: about 25 ms in which nothing else runs."""

    def __init__(self, board, pin):
        I2cPort.__init__(self, board, pin)
        self._buf = bytearray(5)

    def _transfer(self, want):
        self.bus.read_dht(self.address, self._buf)
        return self._buf

    def resync(self):
        self._timeouts = 0
