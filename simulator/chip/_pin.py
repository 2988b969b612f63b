"""machine.Pin, loaded when first asked for."""

import _chip


class Pin:
    """A pin that nothing is wired to: it keeps the level it was given."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    _NONE = (20, 24, 28, 29, 30, 31)
    _levels = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if not 0 <= id <= 39 or id in self._NONE:
            raise ValueError("invalid pin")
        self._id = id
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None):
        _chip.tick()
        if self._id >= 34 and mode in (self.OUT, self.OPEN_DRAIN):
            raise ValueError("pin can only be input")
        if pull == self.PULL_UP:
            self._levels.setdefault(self._id, 1)
        if value is not None:
            self.value(value)

    def value(self, level=None):
        _chip.tick()
        if level is None:
            return self._levels.get(self._id, 0)
        self._levels[self._id] = 1 if level else 0
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def __repr__(self):
        return "Pin(%d)" % self._id
