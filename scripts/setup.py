"""Set a checkout up: a venv in .venv, the pinned packages, the web page's libraries.

Usage: python3 scripts/setup.py run|dev. Standard library only, because it runs before anything is
installed. `run` is what `make demo` needs; `dev` adds what the tests and checks need, with Debian's
packages (a broker, two databases, a browser) when it may install them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VENDOR = ROOT / "gateway" / "web" / "static" / "vendor"
# Debian package -> the command that it brings.
DEBIAN = {
    "mosquitto": "mosquitto",
    "influxdb": "influxd",
    "victoria-metrics": "victoria-metrics",
    "chromium": "chromium",
}
# What the page loads, by path below node_modules/. Licences go along.
WEB_FILES = [
    "leaflet/dist/leaflet.js",
    "leaflet/dist/leaflet.css",
    "leaflet/dist/images/layers.png",
    "leaflet/dist/images/layers-2x.png",
    "leaflet/dist/images/marker-icon.png",
    "leaflet/LICENSE",
    "uplot/dist/uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css",
    "uplot/LICENSE",
    "esp-web-tools/dist/flash.js",
    "esp-web-tools/dist/util/sleep.js",
    "esp-web-tools/LICENSE",
    "esptool-js/bundle.js",
    "esptool-js/LICENSE",
    "improv-wifi-serial-sdk/dist/serial.js",
    "improv-wifi-serial-sdk/dist/const.js",
    "improv-wifi-serial-sdk/dist/util/hex-formatter.js",
    "improv-wifi-serial-sdk/dist/util/to-hex.js",
    "improv-wifi-serial-sdk/LICENSE",
    # For the label sheet: Polish letters, which PDF's own fonts lack.
    "dejavu-fonts-ttf/ttf/DejaVuSans.ttf",
    "dejavu-fonts-ttf/LICENSE",
]
# A browser without a bundler wants addresses where these say names.
WEB_IMPORTS = {
    "esp-web-tools/dist/flash.js": {
        'from "esptool-js"': 'from "../esptool-js/bundle.js"',
        'from "./util/sleep"': 'from "./util/sleep.js"',
    },
    "improv-wifi-serial-sdk/dist/serial.js": {
        'from "./util/hex-formatter"': 'from "./util/hex-formatter.js"'
    },
    "improv-wifi-serial-sdk/dist/util/hex-formatter.js": {'from "./to-hex"': 'from "./to-hex.js"'},
}


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def stop(text: str) -> None:
    sys.exit(f"setup: {text}")


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run a command quietly; show its output only when it fails."""
    done = subprocess.run([str(c) for c in command], cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
        stop(f"this command failed with exit code {done.returncode}: {' '.join(str(c) for c in command)}")


def make_venv() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        version = ".".join(str(n) for n in sys.version_info[:3])
        stop(f"Python 3.11 to 3.14 is needed, this is {version}. Try: make PYTHON=python3.11 ...")
    if (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0
    ):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    say(f"making {VENV.relative_to(ROOT)}")
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        stop(
            "this Python cannot make a virtual environment. On Debian and Ubuntu install it with: "
            f"sudo apt-get install python3-venv\n{done.stdout}{done.stderr}"
        )


def install_python(level: str) -> None:
    say("installing Python packages")
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", f"requirements/{level}.txt")
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")


def npm(*arguments: str) -> None:
    """Run npm from the PATH, or else the one that a PyPI package brings."""
    command = shutil.which("npm")
    if command is None:
        bundled = VENV / "bin" / "npm"
        if not bundled.exists():
            say("no npm on the PATH: taking the one from PyPI")
            pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
            run(*pip, "--require-hashes", "-r", "requirements/node.txt")
        command = str(bundled)
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    run(
        command,
        "ci",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        *arguments,
        env={**os.environ, "PATH": path},
    )


def install_web(level: str) -> None:
    say("installing the web page's libraries")
    npm(*([] if level == "dev" else ["--omit=dev"]))
    for name in WEB_FILES:
        target = VENDOR / name.replace("/dist/", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "node_modules" / name, target)
        for old, new in WEB_IMPORTS.get(name, {}).items():
            text = target.read_text(encoding="utf-8")
            if text.count(old) != 1:
                stop(f"{name} does not say {old} once: this version must be looked at, see WEB_IMPORTS")
            target.write_text(text.replace(old, new), encoding="utf-8")


def install_debian() -> None:
    missing = [package for package, command in DEBIAN.items() if shutil.which(command) is None]
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        say(f"NOT INSTALLED, the tests that need them will be skipped: {names}")
        say(f"to install them on Debian or Ubuntu: sudo apt-get install {names}")
        return
    say(f"installing Debian packages: {names}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt(["update"], env, "apt-get update failed, trying with the lists that are here")
    for package in missing:
        words = ["install", "-y", "--no-install-recommends", package]
        apt(words, env, f"NOT INSTALLED, the tests that need it will be skipped: {package}")


def apt(words: list[str], env: dict[str, str], failure: str) -> None:
    """A distribution may lack a package; what else is there can be tested all the same."""
    done = subprocess.run(["apt-get", "-q", *words], env=env, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        say(f"{failure} ({reason})")


def fingerprint(level: str) -> str:
    """Change when anything that decides what is installed changes."""
    digest = hashlib.sha256(f"{level} {sys.version}".encode())
    for name in ("pyproject.toml", f"requirements/{level}.txt", "package-lock.json", "scripts/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def stamp(level: str) -> Path:
    return VENV / f".dustline-{level}"


def is_current(level: str) -> bool:
    return stamp(level).exists() and stamp(level).read_text() == fingerprint(level)


def main() -> None:
    level = sys.argv[1] if len(sys.argv) == 2 else ""
    if level not in ("run", "dev"):
        stop("usage: python3 scripts/setup.py run|dev")
    with ThreadPoolExecutor() as pool:  # what needs nothing of each other is fetched side by side
        debian = pool.submit(install_debian) if level == "dev" else None
        # What is set up for development serves for running too.
        if not VENDOR.exists() or not any(is_current(done) for done in {level, "dev"}):
            make_venv()
            stamp("dev").unlink(missing_ok=True)  # npm takes its packages away
            web = pool.submit(install_web, level) if shutil.which("npm") else None
            install_python(level)
            if web is None:
                install_web(level)  # npm came with the Python packages
            else:
                web.result()
            stamp(level).write_text(fingerprint(level))
        if debian is not None:
            debian.result()


if __name__ == "__main__":
    main()
