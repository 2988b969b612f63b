"""How a driver reaches a DHT22, on a pin of its own. A port's methods: see ports.py."""


class DhtPort:
    """The chip reads it in one go: about 25 ms in which nothing else runs."""

    stuck = False
    recoveries = 0

    def __init__(self, board, pin):
        self._board = board
        self._pin = pin
        self._buf = bytearray(5)

    def step(self, driver, now, take):
        if driver.tick(now) is None:
            return
        try:
            self._board.read_dht(self._pin, self._buf)
        except OSError:
            driver.failed(now)
            return
        for event in driver.feed(self._buf):
            take(event)

    def resync(self):
        """There is no bus to be freed."""
