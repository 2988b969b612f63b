"""What an SPS30's measured values mean, on either bus.

SPS30 datasheet (Sensirion, version 1.0, D1, March 2020) section 4.3: ten big-endian floats: mass
concentration PM1.0, PM2.5, PM4, PM10 in ug/m3; number concentration up to 0.5, 1, 2.5, 4, 10 um in 1/cm3;
typical particle size in um. Floats and not the 16-bit integers of firmware 2.0, because integers round
clean air to whole ug/m3 and firmware 1 does not know them.
"""

import struct


def values(data):
    """The data event of 40 bytes of measured values without CRCs, or the reason (str) to reject them.

    {"kind": "data", "pm1", "pm25", "pm4", "pm10"} in ug/m3. Mass 0 to 1000 (section 1.1). The classes are
    cumulative, so neither mass nor number falls from one to the next, but for rounding: 1 % and 0.05 is a
    judgement; 0.0001 % was seen in the field. The bounds of number (65535, what the integer format can say)
    and size (10 um) are judgements too: they only help to find a damaged frame, for neither is published.
    The contract's counts are of 0.1 L and *above* a size, which these are not.
    """
    if len(data) != 40:
        return "length"
    v = struct.unpack(">10f", data)
    last = 0
    for i in range(10):
        x = v[i]
        if i == 4 or i == 9:
            last = 0
        # Written so that NaN, which compares as false, is refused.
        if not 0 <= x <= (1000 if i < 4 else 65535 if i < 9 else 10):
            return "out_of_range"
        if x < last and x * 1.01 + 0.05 < last:  # the sum only where it may matter: each float is garbage
            return "out_of_range"
        last = x
    return {"kind": "data", "pm1": v[0], "pm25": v[1], "pm4": v[2], "pm10": v[3]}
