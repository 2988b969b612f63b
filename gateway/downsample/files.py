"""The files in deploy/influxdb, for who installs by hand: python -m gateway.downsample.files"""

from __future__ import annotations

from pathlib import Path

from gateway.downsample import flux, influxql

_DATABASE = "warsaw"
_DIRECTORY = Path("deploy/influxdb")


def files() -> dict[str, str]:
    """Name -> content, for a database or bucket named warsaw and days by UTC."""
    plan = influxql.Dialect(_DATABASE)
    statements = [plan.policy_statement(), *(each.text for each in plan.continuous_queries())]
    tasks = {f"{task.name}.flux": task.flux for task in flux.Dialect(_DATABASE).tasks()}
    return {"continuous-queries.influxql": "\n".join(statements) + "\n", **tasks}


if __name__ == "__main__":
    for name, content in files().items():
        (_DIRECTORY / name).write_text(content)
