"""The past that the journal has pruned: read back from InfluxDB into a side file, and judged there.

plan (which part from where) -> influxql, points (ask, and understand) -> fetch, file (keep it) -> carry_out
(judge it as the journal's is) -> deliver (into use in InfluxDB). edge: what the journal's part needs of the
time before it. command: the whole.
"""
