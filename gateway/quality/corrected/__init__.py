"""Corrected values beside the raw ones: the same code for the stream, for the past and for the bench.

`corrector` says what a reading gets, `sources` where calibrations and stations' hours come from, `shared`
what all units read wrong alike, hour by hour. No numpy.
"""
