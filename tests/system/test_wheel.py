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


def apart(wheel: Path, folder: Path) -> dict[str, str]:
    """An environment with this one's dependencies, but of Dustline only what the wheel holds."""
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return {**os.environ, "PYTHONPATH": f"{folder / 'site'}:{sysconfig.get_path('purelib')}"}


def test_it_runs_apart_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    environment = apart(wheel, tmp_path)

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


@pytest.mark.needs_micropython
@pytest.mark.needs_mosquitto
def test_the_examples_for_tests_run(wheel: Path, repo: Path, tmp_path: Path) -> None:
    """Those of docs/developers.md, with the fixtures that the wheel carries; and they can fail."""
    section = (
        (repo / "docs" / "developers.md").read_text().split("## A test in ten lines")[1].split("\n## ")[0]
    )
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    examples = "\n".join(lines)
    assert examples.count("def test_") == 3
    wrong = "\ndef test_that_fails(gateway):\n    assert gateway.ledger() == [1]\n"
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "test_mine.py").write_text(examples + wrong)
    (folder / "conftest.py").write_text('pytest_plugins = ["dustline.testing"]\n')
    done = subprocess.run(
        [sys.executable, "-S", "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env=apart(wheel, tmp_path),
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "test_that_fails" in done.stdout


def test_nobody_has_the_fixtures_without_asking(wheel: Path) -> None:
    """Their names are short: other people's tests have their own `node`, `city`."""
    names = zipfile.ZipFile(wheel).namelist()
    points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "pytest11" not in zipfile.ZipFile(wheel).read(points).decode()
    assert "dustline/testing.py" in names


def test_versions_are_one(repo: Path) -> None:
    import tomllib

    wanted = tomllib.loads((repo / "pyproject.toml").read_text())["project"]["version"]
    assert f'VERSION = "{wanted}"' in (repo / "firmware" / "node" / "__init__.py").read_text()
