"""The dialogue that Sensirion's PM sensors share: SPS30 on both buses, SEN5x. Sans I/O.

SPS30 datasheet (Sensirion, version 1.0, D1, March 2020) sections 4 to 6; SEN5x datasheet (version 2, D1,
March 2022) sections 5 and 6: measuring starts and stops on command, stop means idle, values come once a
second when asked for. A subclass carries the steps over its bus; a step is a number, its bytes stand in the
subclass's STEPS, four a step.
"""

from micropython import const

_HELLO = const(1)  # SPS30: wake up; SEN5x: its name
_RESET = const(2)
_SERIAL = const(3)
_VERSION = const(4)
_START = const(5)
_STOP = const(6)
_SLEEP = const(7)
_READY = const(8)
_READ = const(9)
_CLEAN = const(10)
_STATUS = const(11)
_CLEAR = const(12)

_PAUSE_MS = const(1000)  # for an answer; the datasheets' longest is 200 ms
_LONG_PAUSE_MS = const(10000)  # after five tries: a mute sensor is asked for ever, but not in a hurry
_REST_MS = const(500)  # from values to the next question: new ones come after 0.96 to 1.04 s
_NOT_READY_MS = const(150)
_RESET_MS = const(200)  # I2C's "< 100 ms" doubled; for UART the datasheet gives none
_CLEAN_S = const(604800)  # a week of running: the interval of the sensor's own cleaning, section 4.2 (5.2)
_CLEANING_MS = const(12000)  # 10 s at full speed, and 2 s, a judgement, until the flow is as before
_SPUN_UP_MS = const(5000)  # the fan's speed is judged from 3 s after the start on, twice, section 4.4 (5.4)
_CHECK_MS = const(60000)
_FAULTY_MS = const(10000)  # between looks at the status register while it tells of a fault


class Dialogue:
    """Wake and sleep on demand, values as they come, the status register each minute, cleaning when due.

    A sensor that is switched on and off never reaches its own weekly cleaning, and a reset begins its count
    anew. So the driver counts: `run_s_since_clean` (seconds of measuring; the node keeps it over restarts
    and sets it before wake()) goes up with each measurement and to 0 when a cleaning is complete.
    `cleaning` is True while one runs: no values come then, and sleep() takes effect at its end.

    A wake() that does not follow a sleep() (the first one, or one that sets everything anew) resets the
    sensor, so that its state and output format are known whatever was before.
    """

    climate_flag = None
    warmup_s = 30  # the longest typical start-up time, in clean air (50 to 100 particles/cm3), table 1 (3)
    ceiling = {"pm1": 1000, "pm25": 1000, "pm4": 1000, "pm10": 1000}  # a value here or above is saturated
    POLL = _READ  # the step that asks for values
    SLEEP_FROM = 0x200  # firmware that knows sleep: 2.0, table 7
    STATUS_FROM = 0x202  # firmware that knows the status register

    def __init__(self):
        self.id = self.fw = None
        self.frames = self.retries = 0
        self.rejects = {}
        self.awake_since = None  # ms when the start that took effect was sent; None = not proven
        self.run_s_since_clean = 0
        self.cleaning = False
        self._want_awake = None
        self._fresh = True
        self._fault = None
        self._version = 0
        self._now = self._sent = self._next = self._check = 0
        self._step = self._tries = self._phase = 0

    @property
    def settled(self):
        """True when the sensor is as it was last asked to be, as far as it can be known."""
        return not 0 < self._step < _READY

    def wake(self, now):
        """Start to measure; the commands come out of tick(). Called again, it sets everything anew."""
        self._now = now
        if self._want_awake:
            self._fresh = True
        self._want_awake = True
        self.cleaning = False
        self.awake_since = None  # a fault stays until the status register, or the next answer, takes it back
        self._go(_HELLO)

    def sleep(self, now):
        """Stop fan and laser; the commands come out of tick()."""
        self._now = now
        self._want_awake = False
        self.awake_since = None
        self._go(_STOP, self._next - now if self.cleaning else 0)

    def reset(self):
        """Begin the dialogue under way anew. One that measures without values is started again."""
        if self.cleaning or not self._step:
            self._phase = 0
        elif not self._want_awake:
            self._go(_STOP)
        else:
            self._go(_START if self.settled else _HELLO)

    def _go(self, step, wait=0):
        self._step = step
        self._tries = self._phase = 0
        self._next = self._now + wait

    def _reject(self, reason):
        self.rejects[reason] = self.rejects.get(reason, 0) + 1

    def _due(self, now):
        """The step whose bytes are to be written now, or 0."""
        self._now = now
        if not self._step or now < self._next:
            return 0
        if self.cleaning:
            self.cleaning = False
            self.run_s_since_clean = 0
        if self._tries:
            self._missed()
        if self._step == self.POLL and not self._tries:
            if self.run_s_since_clean >= _CLEAN_S:
                self._step = _CLEAN
            elif now >= self._check and self._version >= self.STATUS_FROM:
                self._step = _STATUS
        if not self._step or (now < self._next and not self._tries):
            return 0
        self._tries += 1
        self._sent = now
        self._next = now + (_PAUSE_MS if self._tries < 5 else _LONG_PAUSE_MS)
        return self._step

    def _missed(self):
        """The step under way got no answer: try again, or after three tries go on without."""
        step = self._step
        if step in (_READY, _READ):
            return
        self.retries += 1
        if self._tries < 3 or step == _HELLO:
            return
        if step in (_RESET, _START):
            self._fresh = True
            self._go(_HELLO, 5000)
        elif step == _CLEAN:
            self.run_s_since_clean -= 3600  # again in an hour
            self._go(self.POLL)
        else:
            self._answer(b"")

    def _answer(self, data):
        """Take the answer to the step under way, b"" when none came; return the event in a list, or []."""
        step = self._step
        want = self._want_awake
        wait = 0
        if step == _HELLO:
            # Without its version it is not known what it can: ask again.
            step = _HELLO if self._hello(data) else _START if self._version and not self._fresh else _RESET
        elif step == _RESET:
            step = _SERIAL
            wait = _RESET_MS
        elif step == _SERIAL:
            self.id = _text(data) or self.id
            step = _VERSION
        elif step == _VERSION:
            if len(data) > 1:
                self._version = data[0] << 8 | data[1]
                self.fw = "%d.%d" % (data[0], data[1])
                if self._version < self.STATUS_FROM:
                    self._fault = None
            step = _START
        elif step == _START:
            self._fresh = False
            self.awake_since = self._sent
            self._check = self._now + _SPUN_UP_MS
            step = self.POLL
            wait = _REST_MS
        elif step == _STOP:
            step = _START if want else _SLEEP if self._version >= self.SLEEP_FROM else 0
        elif step == _SLEEP:
            step = 0
        elif step == _READY:
            if data[1]:
                step = _READ
            else:
                wait = _NOT_READY_MS
        elif step == _READ:
            self._go(self.POLL, _REST_MS if data else _NOT_READY_MS)
            return self._measured(data) if data else []
        elif step == _CLEAN:
            self.cleaning = True
            step = self.POLL
            wait = _CLEANING_MS
        else:
            step = _CLEAR if step == _STATUS and self._status(data) and self.POLL == _READY else self.POLL
            if self.cleaning:  # one that the sensor began itself
                wait = _CLEANING_MS
        self._go(step, wait)
        return []

    def _measured(self, data):
        event = self._values(data)
        if isinstance(event, str):
            self._reject(event)
            if event == "length":  # it measures in another format
                self._go(_STOP)
            return []
        self.run_s_since_clean += 1
        if self._fault:
            event["kind"] = "error"
            event["what"] = self._fault
        elif "pm25" not in event or "pm10" not in event:  # a SEN5x that has no value yet
            return []
        return [event]

    def _status(self, data) -> "str | int | None":
        """Decode the device status register; return what stays in it until it is cleared, or None."""
        fault = None
        if len(data) > 3:
            low = data[3]
            fault = "fan" if low & 0x10 else "laser" if low & 0x20 else "speed" if data[1] & 0x20 else None
            self._fault = fault
        self._check = self._now + (_FAULTY_MS if fault else _CHECK_MS)
        return fault

    # For the subclass.

    def _hello(self, data) -> bool:
        """Take the answer to the first step; return True to send it again."""
        return False

    def _values(self, data) -> "dict | str":
        """The event of a measurement, or the reason to reject it."""
        raise NotImplementedError


def _text(data):
    """Printable ASCII up to the first other byte; at most 32 characters."""
    text = ""
    for byte in data:
        if not 0x20 < byte < 0x7F:
            break
        text += chr(byte)
    return text[:32]
