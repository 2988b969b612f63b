"""The wheel that users install: it carries all that runs, and runs apart from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=repo,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("dustline-*.whl"))


def test_it_carries_firmware_page_and_libraries(wheel: Path, repo: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (repo / "firmware").rglob("*.py"):
        assert f"dustline/{path.relative_to(repo)}" in names
    for path in (repo / "gateway" / "web" / "static").rglob("*"):
        if path.is_file():
            assert str(path.relative_to(repo)) in names
    assert "simulator/chip/machine.py" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_it_runs_apart_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    # The dependencies of this environment, but of Dustline only what the wheel holds.
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'site'}:{sysconfig.get_path('purelib')}"}

    def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        code = "import sys; sys.argv[0] = 'dustline'; from dustline.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-S", "-c", code, *words],
            cwd=tmp_path,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )

    decoded = run("decode", "sds011", "-", given="AA C0 D4 04 3A 0A A1 60 1D AB\n")
    assert '"pm25": 123.6' in decoded.stdout, decoded.stderr
    sample = run("gateway", "config", "sample")
    assert "[broker]" in sample.stdout, sample.stderr
    where = run("sim", "places")
    assert "centrum" in where.stdout, where.stderr


def test_versions_are_one(repo: Path) -> None:
    import tomllib

    wanted = tomllib.loads((repo / "pyproject.toml").read_text())["project"]["version"]
    assert f'VERSION = "{wanted}"' in (repo / "firmware" / "node" / "__init__.py").read_text()
