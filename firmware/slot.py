"""A slot's file as a file system, for `import`. Part of the first stage (stage.py): no update changes it."""

import binascii


class Slot:
    """The class itself is mounted: an object of it would take more of the heap."""

    file = ""
    key = b""  # CRC-32 of each path, four bytes each: files in their order, then folders
    index = ()  # where each file begins, and where the last one ends
    mount = max  # whoever mounts it calls this with two booleans

    @staticmethod  # pyright: ignore[reportArgumentType] - the stubs know none with parameters
    def find(path):
        wanted = binascii.crc32(path.encode()).to_bytes(4, "little")
        at = Slot.key.find(wanted)
        while at % 4 and at > 0:
            at = Slot.key.find(wanted, at + 1)
        if at < 0:
            raise OSError(2)
        return at // 4

    @staticmethod  # pyright: ignore[reportArgumentType] - the stubs know none with parameters
    def stat(path):
        at = Slot.find(path)
        if at + 1 < len(Slot.index):
            return (0x8000, 0, 0, 0, 0, 0, Slot.index[at + 1] - Slot.index[at], 0, 0, 0)
        return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    @staticmethod  # pyright: ignore[reportArgumentType] - the stubs know none with parameters
    def open(path, mode):
        """The file at its place. Whoever reads it must know where it ends; compiled modules do."""
        file = open(Slot.file, "rb")
        file.seek(Slot.index[Slot.find(path)])
        return file
