"""Look for a sensor on a UART's pins. See node.detect."""

import asyncio

from micropython import const

_LISTEN_MS = const(3000)  # SDS011: a frame a second; Plantower: at most 2.3 s apart (PMS5003 manual V2.3)
_FIVE_FRAMES_MS = const(12000)  # by which the parser tells a PMS5003T from the others of its length
_SPEEDS = (115200, 19200, 38400, 57600, 4800, 2400)  # to listen at when what comes at 9600 is no frame


class Search:
    """One search; `parser` is node.detect's."""

    def __init__(self, board, entry, now, parser):
        self._board = board
        self._number = entry["uart"]
        self._tx = entry["tx"]
        self._rx = entry["rx"]
        self._now = now
        self._parser = parser
        self._buf = bytearray(400)  # more than any sensor here says while it is listened to
        self._view = memoryview(self._buf)
        self._heard = 0

    async def find(self):
        """(found, state, message)."""
        pins = f"pins {self._tx} and {self._rx}"
        # Before anything is written: two outputs must not fight over a wire.
        power = await self._driven(self._rx)
        swapped = not power and await self._driven(self._tx)
        if swapped:
            self._tx, self._rx = self._rx, self._tx
        model, speed = await self._model(power or swapped)
        if swapped:
            found = [{"model": model, "tx": self._tx, "rx": self._rx}] if model and not speed else []
            return found, "swapped", f"The sensor's two data wires are exchanged: swap those on {pins}."
        if speed:
            model = model or "something unknown"
            return (
                [],
                "wrong_speed",
                f"There is {model} on {pins}, but not at its usual speed: reset or replace it.",
            )
        if model:
            return [{"model": model}], "ok", f"Found {model} on {pins}."
        if power:
            return (
                [],
                "silent",
                f"What is on {pins} has power but is silent: unplug it for ten seconds or check its model.",
            )
        return [], "silent", f"Nothing is seen on {pins}: check the plug, the 5 V supply and the pins."

    async def _driven(self, pin):
        """Whether something holds a pin high, if only between its bits: an idle TX does."""
        for _ in range(10):
            if self._board.level(pin):
                return True
            await asyncio.sleep(0.007)
        return False

    async def _model(self, connected):
        """(model or None, a speed if it is not the usual one). Noise on an open wire is no speed."""
        await self._ask(9600, _LISTEN_MS)
        model = self._judge()
        noise = connected and self._heard > 2
        if not model:
            # To an SPS30 (datasheet 1.0, 5.3): a byte and wake-up, in case that it sleeps; its product type.
            wake = b"\xff\x7e\x00\x7d\x31\x00\xee\x7e"
            await self._ask(115200, 250, wake, b"\x7e\x00\xd0\x01\x00\x2e\x7e")
            answer = bytes(self._view[: self._heard])
            if b"00080000" in answer and self._parser("shdlc").feed(answer):
                return "sps30", None
            # To an SDS011: work, and tell the firmware's version. To a Plantower: wake, and active mode.
            await self._ask(
                9600,
                _LISTEN_MS,
                b"\xaa\xb4\x06\x01\x01" + bytes(10) + b"\xff\xff\x06\xab",
                b"\xaa\xb4\x07" + bytes(12) + b"\xff\xff\x05\xab",
                b"\x42\x4d\xe4\x00\x01\x01\x74",
                b"\x42\x4d\xe1\x00\x01\x01\x71",
            )
            model = self._judge()
        if model == "pms5003":
            await self._ask(9600, _FIVE_FRAMES_MS)
            model = self._judge() or model
        if model or not noise:
            return model, None
        for speed in _SPEEDS:
            await self._ask(speed, _LISTEN_MS)
            model = self._judge()
            if model:
                return model, speed
        return None, 9600

    async def _ask(self, speed, ms, *commands):
        """Write commands with some time between them, then take what comes for so long."""
        self._heard = 0
        uart = self._board.open_uart(self._number, self._tx, self._rx, speed, 512)
        for command in commands:
            uart.write(command)
            await self._hear(uart, 60 if speed > 9600 else 300)
        await self._hear(uart, ms)
        uart.deinit()  # its output must not stay on a wire that someone is about to move

    async def _hear(self, uart, ms):
        end = self._now() + ms
        left = ms
        while left > 0:
            await asyncio.sleep(min(left, 50) / 1000)
            self._heard += uart.readinto(self._view[self._heard :]) or 0
            left = end - self._now() if self._heard < len(self._buf) else 0

    def _judge(self):
        """The model that speaks in what was heard, or None."""
        said = self._view[: self._heard]
        if not said:
            return None
        if self._parser("sds011").feed(said):
            return "sds011"
        plantower = self._parser("plantower", "pms5003", False)
        events = plantower.feed(said)
        for event in events:
            if event["kind"] != "reply":
                if "n03" not in event:
                    return "pms3003"
                if "temp" in event and "n5" in event:
                    return "pms5003st"
        return plantower.model if events else None
