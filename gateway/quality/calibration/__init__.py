"""Field calibration: fitted beside a reference station, kept as dated files, applied to readings.

    formula   the one formula, on numbers and on arrays        \\
    record    a calibration and its file                        > applying needs no numpy
    library   a folder of them; which one holds for a reading  /
    shared    what all units read wrong alike                  /
    reference collocate                                         hours of a station, of a unit
    robust  fit  remote  figures                                fitting: numpy, the extra `calibrate`
    make picture from_afar carry_out  cli                       `dustline calibrate`

docs/calibration.md is for people.
"""

from gateway.quality.calibration.library import Applied, Library
from gateway.quality.calibration.record import Calibration, CalibrationError

__all__ = ["Applied", "Calibration", "CalibrationError", "Library"]
