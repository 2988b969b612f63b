"""Hourly and daily means, computed by InfluxDB itself: continuous queries for 1.x, tasks for 2.x.

plan (what is averaged) -> influxql | flux (its text) -> influx_v1 | influx_v2 (install, recompute); cli.
"""
