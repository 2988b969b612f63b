"""What Sensirion's I2C sensors share: words of two bytes, big-endian, each followed by its CRC-8.

SPS30 datasheet (Sensirion, version 1.0, D1, March 2020) and SEN5x datasheet, each in its section on I2C:
polynomial 0x31 (x^8 + x^5 + x^4 + 1), initialisation 0xFF, no reflection, no final XOR; BE EF gives 92.
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
    i = 3 * words
    if len(data) != i:
        return False
    while i and crc8(data, i - 3, i - 1) == data[i - 1]:
        i -= 3
    return not i
