"""What Sensirion's I2C sensors share: words of two bytes, big-endian, each followed by its CRC-8.

SPS30 datasheet (Sensirion, version 1.0, D1, March 2020) section 6.2 and SEN5x datasheet section 6.3: polynomial
0x31 (x^8 + x^5 + x^4 + 1), initialisation 0xFF, no reflection, no final XOR; CRC of BE EF = 92.
"""


def crc8(data, start=0, end=None) -> int:
    """CRC-8 of data[start:end]."""
    crc = 0xFF
    for i in range(start, len(data) if end is None else end):
        crc ^= data[i]
        for _ in range(8):
            crc = (crc << 1 ^ 0x31) & 0xFF if crc & 0x80 else crc << 1
    return crc


def intact(data, words) -> bool:
    """True when `data` is so many words and each CRC is right."""
    if len(data) != 3 * words:
        return False
    for i in range(0, 3 * words, 3):
        if crc8(data, i, i + 2) != data[i + 2]:
            return False
    return True
