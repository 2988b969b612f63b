"""What a node remembers over resets and deep sleep, but not over a power cut: one JSON object in the memory
of the chip's clock, behind its CRC-32. Loaded through use_once."""

import binascii
import json


def load(board):
    """The object as a dict; {} after a power cut, or when it is damaged."""
    raw = board.rtc_memory()
    if len(raw) > 4 and binascii.crc32(raw[4:]).to_bytes(4, "little") == raw[:4]:
        return json.loads(raw[4:])
    return {}


def put(board, key, value):
    """Keep a value under its key, beside what the others keep there; None removes it."""
    state = load(board)
    if value is None:
        state.pop(key, None)
    else:
        state[key] = value
    raw = json.dumps(state).encode()
    board.rtc_memory(binascii.crc32(raw).to_bytes(4, "little") + raw)
