"""Destinations: each reads the journal with a cursor of its own.

settings -> make_sink -> Sink (influx_v1, influx_v2; errors by http_errors), driven by a Delivery
(lines: reading -> line protocol; split: find the lines a server refuses).
"""
