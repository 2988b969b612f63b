"""A driver's way to its sensor, on fakes of the board: what is passed on, and what a failing bus does."""

from node.buses import Bus, I2cPort
from node.dht_port import DhtPort
from node.ports import UartPort


class Driver:
    """Scripted: `wants` is what tick gives, one by one; feed gives one event with the bytes."""

    def __init__(self, *wants):
        self.wants = list(wants)
        self.fed = []
        self.failures = []

    def tick(self, now):
        return self.wants.pop(0) if self.wants else None

    def feed(self, data):
        self.fed.append(bytes(data))
        return [{"kind": "data", "bytes": bytes(data)}]

    def failed(self, now):
        self.failures.append(now)


class Uart:
    def __init__(self, waiting=b""):
        self.waiting = waiting
        self.written = []

    def write(self, data):
        self.written.append(data)

    def readinto(self, buf):
        n = min(len(buf), len(self.waiting))
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n or None


class I2c:
    """`errnos`: what the next transfers fail with, None = they work."""

    def __init__(self, board):
        self.board = board

    def _transfer(self):
        errno = self.board.errnos.pop(0) if self.board.errnos else None
        if errno:
            raise OSError(errno)

    def writeto(self, address, data):
        self.board.log.append((address, bytes(data)))
        self._transfer()

    def readfrom(self, address, n):
        self.board.log.append((address, n))
        self._transfer()
        return bytes(range(n))


class Board:
    def __init__(self, *errnos):
        self.errnos = list(errnos)
        self.log = []
        self.opened = 0
        self.free = True

    def open_i2c(self, number, sda, scl):
        self.log.append(("open", number, sda, scl))
        self.opened += 1
        return I2c(self)

    def recover_i2c(self, sda, scl):
        self.log.append(("recover", sda, scl))
        return self.free

    def read_dht(self, pin, buf):
        errno = self.errnos.pop(0) if self.errnos else None
        if errno:
            raise OSError(errno)
        buf[:] = b"\1\2\3\4\5"


def i2c_port(board):
    return I2cPort(Bus(board, 0, 21, 22), 105)


def steps(port, driver, count):
    events = []
    for i in range(count):
        port.step(driver, i, events.append)
    return events


def test_uart_writes_and_passes_on_all_that_came():
    uart = Uart(bytes(range(150)))
    driver = Driver(b"ask")
    events = steps(UartPort(uart), driver, 1)
    assert uart.written == [b"ask"]
    assert b"".join(driver.fed) == bytes(range(150))
    assert len(events) == len(driver.fed)


def test_a_uart_that_never_runs_dry_does_not_hold_up_the_others():
    class Endless(Uart):
        def readinto(self, buf):
            return len(buf)

    port = UartPort(Endless())
    driver = Driver()
    steps(port, driver, 1)
    assert 512 <= sum([len(data) for data in driver.fed]) <= 4096
    port.resync()  # and this one ends, too


def test_uart_resync_drops_what_waits():
    uart = Uart(bytes(300))
    UartPort(uart).resync()
    assert uart.waiting == b""


def test_i2c_one_transfer_a_step():
    board = Board()
    driver = Driver(b"\x03\x00", None, 6)
    events = steps(i2c_port(board), driver, 4)
    assert board.log[1:] == [(105, b"\x03\x00"), (105, 6)]
    assert driver.fed == [bytes(range(6))]
    assert len(events) == 1


def test_no_acknowledge_is_told_to_the_driver_and_frees_no_bus():
    """Who can be refused has seen the bus work: nine clocks would help nobody."""
    board = Board(*[19] * 50)
    driver = Driver(*[b"x"] * 50)
    port = i2c_port(board)
    assert steps(port, driver, 50) == []
    assert driver.failures == list(range(50))
    assert port.recoveries == 0
    assert board.opened == 1


def test_time_outs_in_a_row_free_the_bus_and_are_counted():
    for errno in (116, 110, 5):
        board = Board(*[errno] * 3)
        driver = Driver(b"x", 3, b"x", b"y")
        port = i2c_port(board)
        steps(port, driver, 4)
        assert len(driver.failures) == 3
        assert board.log[-3:] == [("recover", 21, 22), ("open", 0, 21, 22), (105, b"y")]
        assert (port.recoveries, port.stuck) == (1, False)


def test_single_time_outs_do_not():
    board = Board(116, None, 116, 116, None, 116, 116, None)
    port = i2c_port(board)
    steps(port, Driver(*[b"x"] * 8), 8)
    assert port.recoveries == 0


def test_a_bus_that_stays_stuck_is_told_until_it_works():
    board = Board(*[116] * 6)
    board.free = False
    driver = Driver(*[b"x"] * 7)
    port = i2c_port(board)
    steps(port, driver, 6)
    assert (port.recoveries, port.stuck) == (2, True)
    steps(port, driver, 1)
    assert not port.stuck


def test_two_sensors_share_one_bus_object():
    board = Board(*[116] * 3)
    bus = Bus(board, 0, 21, 22)
    one, other = I2cPort(bus, 105), I2cPort(bus, 118)
    steps(one, Driver(*[b"x"] * 3), 3)
    steps(other, Driver(b"z"), 1)
    assert board.opened == 2  # at first, and after the recovery, for both
    assert board.log[-1] == (118, b"z")
    assert (one.recoveries, other.recoveries) == (1, 0)


def test_dht_pin():
    board = Board(116)
    driver = Driver(5, 5, None)
    events = steps(DhtPort(board, 4), driver, 3)
    assert driver.failures == [0]
    assert driver.fed == [b"\1\2\3\4\5"]
    assert len(events) == 1


def test_a_mute_dht_frees_no_bus():
    port = DhtPort(Board(*[116] * 20), 4)
    driver = Driver(*[5] * 20)
    steps(port, driver, 20)
    assert len(driver.failures) == 20
    assert port.recoveries == 0
