"""What the firmware's code takes in a node's heap: .venv/bin/python -m bench.modules

Each module that a node with the sensors keeps loaded, as bytes on MicroPython's Unix port (pointers of 64
bits, blocks of 32 bytes): compiled by itself, and linked as a board gets it. What is loaded for a while only
is loaded once as well, for the names that stay of it.
"""

from __future__ import annotations

import ast
import os
import subprocess
import tempfile
from pathlib import Path

import click

from simulator.bytecode import compile_tree
from simulator.link_plan import MAIN, Plan
from simulator.link_scopes import Module
from simulator.runtime import find_firmware, find_micropython

SETS = {
    "sds011": ("drivers.sds011",),
    "sds011-pms5003-bme280": ("drivers.sds011", "drivers.plantower", "drivers.bme280"),
}
SCRIPT = """
import gc, sys, micropython

def load(name):
    gc.collect()
    before = gc.mem_alloc()
    __import__(name)
    gc.collect()
    return gc.mem_alloc() - before

load("asyncio")
gc.collect()
start = gc.mem_alloc()
for name in RESIDENT:
    print("  %6d %s" % (load(name), name))
kept = set(sys.modules)
for name in PASSING:
    load(name)
    for one in list(sys.modules):
        if one not in kept and one.startswith("node."):
            del sys.modules[one]
            folder, _, leaf = one.rpartition(".")
            if folder in sys.modules and hasattr(sys.modules[folder], leaf):
                delattr(sys.modules[folder], leaf)
gc.collect()
print("  %6d in all, with the names of what is loaded for a while" % (gc.mem_alloc() - start))
micropython.qstr_info()
"""


def plan(firmware: Path) -> Plan:
    modules: dict[str, Module] = {}
    for path in sorted(firmware.rglob("*.py")):
        inside = path.relative_to(firmware).as_posix()
        name = inside.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        modules[name] = Module(name, inside, ast.parse(path.read_text(encoding="utf-8")))
    main = modules.pop(MAIN)
    return Plan(modules, main)


def measure(tree: Path, resident: list[str], passing: list[str]) -> str:
    script = SCRIPT.replace("RESIDENT", repr(resident)).replace("PASSING", repr(passing))
    (tree.parent / "script.py").write_text(script)
    done = subprocess.run(
        [str(find_micropython().path), "-X", "heapsize=1m", "script.py"],
        cwd=tree.parent,
        env={**os.environ, "MICROPYPATH": f"{tree.name}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(SETS)))
def main(names: tuple[str, ...]) -> None:
    """The code's heap for each set of sensors, or for those named."""
    firmware = find_firmware()
    planned = plan(firmware)
    with tempfile.TemporaryDirectory(prefix="dustline-modules-") as folder:
        plain = compile_tree(firmware, Path(folder) / "p" / "fw")
        linked = compile_tree(firmware, Path(folder) / "l" / "fw", link=True)
        for name in names or SETS:
            fitted = ["node." + module for module in SETS[name]]
            passing = sorted(planned.by_text - set(fitted))
            click.echo(f"{name}, each module by itself:")
            click.echo(measure(plain, [*planned.joined, *fitted], passing))
            click.echo(f"{name}, linked; {len(planned.joined)} modules are joined in node:")
            click.echo(measure(linked, ["node", *fitted], passing))


if __name__ == "__main__":
    main()
