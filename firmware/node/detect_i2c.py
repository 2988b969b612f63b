"""Look for sensors on an I2C bus. See node.detect."""

import asyncio

from micropython import const

_BOOT_MS = const(4000)  # a PMSA003I does not answer for 3 s after it got power, together with the board


class Search:
    """One search; `parser` is node.detect's."""

    def __init__(self, board, entry, now, parser, taken):
        self._board = board
        self._number = entry["i2c"]
        self._sda = entry["sda"]
        self._scl = entry["scl"]
        self._now = now
        self._parser = parser
        self._taken = taken

    async def find(self):
        """(found, state, message)."""
        pins = f"pins {self._sda} and {self._scl}"
        await asyncio.sleep(max(_BOOT_MS - self._now(), 0) / 1000)
        seen = await self._scan()
        more = {}
        if not seen and seen is not None:
            # These wires are only ever pulled low, so that trying them exchanged harms nothing.
            self._sda, self._scl = self._scl, self._sda
            seen = await self._scan()
            if seen:
                more = {"sda": self._sda, "scl": self._scl}
            else:
                self._sda, self._scl = self._scl, self._sda
                self._addresses()  # the bus as it was, for others on it
                seen = []
        if seen is None:
            return (
                [],
                "bus_stuck",
                f"A sensor on {pins} blocks the others: unplug them all, then plug in one after the other.",
            )
        found = []
        unknown = []
        seen = [address for address in sorted(seen) if address not in self._taken]
        for address in seen:
            model = await self._model(address)
            if model:
                found.append(dict(more, model=model, address=address))
            else:
                unknown.append(str(address))
        if more:
            return found, "swapped", f"The two data wires are exchanged: swap those on {pins}."
        if not seen:
            return (
                [],
                "silent",
                f"No sensor answers on {pins}: check the plug, the supply and these two wires.",
            )
        rest = "no known sensor (address " + " ".join(unknown) + ")"
        if not found:
            return [], "not_found", f"What answers on {pins} is {rest}: check its model."
        names = " and ".join(one["model"] for one in found)
        return found, "ok", f"Found {names} on {pins}" + (f", and {rest}." if unknown else ".")

    async def _scan(self):
        """Addresses that answer, None when a wire is held low and does not come free."""
        seen = self._addresses()
        if not seen:
            if not self._board.recover_i2c(self._sda, self._scl):
                return None
            seen = self._addresses() or []
        for _ in range(2):
            if 0x69 in seen or 0x69 in self._taken:
                break
            try:
                # An SPS30 that sleeps hears its wake-up command at the second time (datasheet 1.0, 6.3).
                self._bus.writeto(0x69, b"\x11\x03")
            except OSError:
                await asyncio.sleep(0.01)
            else:
                await asyncio.sleep(0.02)
                seen.append(0x69)
        return seen

    def _addresses(self):
        self._bus = self._board.open_i2c(self._number, self._sda, self._scl)
        try:
            seen = self._bus.scan()
        except OSError:
            return None
        return seen if len(seen) < 20 else None  # a wire that is held low acknowledges every address

    async def _model(self, address):
        if address == 0x69:
            name = await self._words(address, b"\xd0\x14", 16) or b""
            if name[:5] in (b"SEN50", b"SEN54", b"SEN55"):
                return name[:5].decode().lower()
            return "sps30" if await self._words(address, b"\xd0\x02", 4) == b"00080000" else None
        if address == 0x12:
            frame = await self._read(address, b"", 32)
            return "pmsa003i" if frame and self._parser("plantower", "pmsa003", False).feed(frame) else None
        if address in (0x76, 0x77):  # Bosch: register 0xD0 holds the chip's id
            chip = await self._read(address, b"\xd0", 1)
            return "bme280" if chip == b"\x60" else "bmp280" if chip == b"\x58" else None
        if 0x44 <= address <= 0x46:  # SHT3x: status register. SHT4x takes one-byte commands only: its number
            if await self._words(address, b"\xf3\x2d", 1):
                return "sht3x"
            if await self._words(address, b"\x89", 2):
                return "sht4x"
        return None

    async def _words(self, address, command, n):
        """The answer to a command, n words without their checksums; None when one is wrong or none came."""
        from node.drivers.sensirion import intact

        for _ in range(2):  # once more, as a wire may be disturbed
            data = await self._read(address, command, 3 * n)
            if data and intact(data, n):
                return bytes(data[i] for i in range(3 * n) if i % 3 < 2)
        return None

    async def _read(self, address, command, n):
        try:
            if command:
                self._bus.writeto(address, command)
                await asyncio.sleep(0.03)  # the slowest of these commands takes 20 ms: SEN5x, 0xD014
            return self._bus.readfrom(address, n)
        except OSError:
            return None
