"""What the firmware's code takes in a node's heap: .venv/bin/python -m bench.modules

Each module that a node with the sensors keeps loaded, as bytes on MicroPython's Unix port (pointers of 64
bits, blocks of 32 bytes): compiled by itself, and linked as a board gets it. What is loaded for a while only
is loaded once as well, for the names that stay of it.

Last, what it takes to load each packed module, plain and packed: everything that is allocated meanwhile, with
what is garbage already, and the time on this machine.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from simulator.bytecode import compile_tree
from simulator.link_plan import MAIN, Plan
from simulator.link_scopes import Module
from simulator.pack import PLAIN_MARK, unpacked
from simulator.runtime import CHIP, find_firmware, find_micropython

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
if sys.modules["node"].__path__ == "/n/node":
    import update
    update.__path__ = sys.modules["node"].__path__[:-4] + "update"  # use_once finds them there
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

LOADS = """
import gc, sys, time
import asyncio, node, update

update.__path__ = node.__path__[:-4] + "update"  # use_once finds them there

def load(name):
    names = set(sys.modules)
    gc.collect()
    gc.disable()
    before, began = gc.mem_alloc(), time.ticks_us()
    __import__(name)
    taken, us = gc.mem_alloc() - before, time.ticks_us() - began
    gc.enable()
    for one in set(sys.modules) - names:
        folder, _, leaf = one.rpartition(".")
        del sys.modules[one]
        if hasattr(sys.modules.get(folder), leaf):
            delattr(sys.modules[folder], leaf)
    return taken, us

for name in NAMES:
    load(name)  # for its names
    print(name, *min(load(name) for _ in range(9)))
"""


def plan(firmware: Path) -> Plan:
    modules: dict[str, Module] = {}
    for path in sorted(firmware.rglob("*.py")):
        inside = path.relative_to(firmware).as_posix()
        name = inside.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        modules[name] = Module(name, inside, ast.parse(path.read_text(encoding="utf-8")))
    main = modules.pop(MAIN)
    return Plan(modules, main)


def run(tree: Path, script: str, **values: list[str]) -> str:
    for name, value in values.items():
        script = script.replace(name.upper(), repr(value))
    (tree.parent / "script.py").write_text(script)
    done = subprocess.run(
        [str(find_micropython().path), "-X", "heapsize=1m", "script.py"],
        cwd=tree.parent,
        env={**os.environ, "MICROPYPATH": f"{tree.name}:{CHIP}:.frozen"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(
            f"MicroPython ended with {done.returncode}: {done.stdout[-500:]}{done.stderr}"
        )
    return done.stdout


def compare_loads(packed: Path, plain: Path) -> None:
    """The packed modules of a linked tree, against a copy of it with all of them unpacked."""
    shutil.copytree(packed, plain)
    names: list[str] = []
    for path in sorted(plain.rglob("*.mpy")):
        content = path.read_bytes()
        if content[0] != PLAIN_MARK:
            path.write_bytes(unpacked(content))
            names.append(path.relative_to(plain).with_suffix("").as_posix().replace("/", "."))
    click.echo("   file, bytes    allocated, b.   time, us")
    click.echo("  plain packed    plain packed    plain packed")
    rows: list[dict[str, list[int]]] = []
    for tree in (plain, packed):
        words = [line.split() for line in run(tree, LOADS, names=names).splitlines()]
        rows.append({name: [int(taken), int(us)] for name, taken, us in words})
    for name in names:
        file = Path(*name.split(".")).with_suffix(".mpy")
        sizes = [(tree / file).stat().st_size for tree in (plain, packed)]
        heap, time = zip(*(row[name] for row in rows), strict=True)
        pairs = "  ".join(f"{one:7} {other:6}" for one, other in (sizes, heap, time))
        click.echo(f"{pairs}  {name}")


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
            click.echo(run(plain, SCRIPT, resident=[*planned.joined, *fitted], passing=passing))
            click.echo(f"{name}, linked; {len(planned.joined)} modules are joined in node:")
            click.echo(run(linked, SCRIPT, resident=["node", *fitted], passing=passing))
        compare_loads(linked, Path(folder) / "u" / "fw")


if __name__ == "__main__":
    main()
