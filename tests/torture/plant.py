"""What is tortured: a real Mosquitto, a real InfluxDB 1 and `dustline gateway run`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.gateway.destinations.servers import Influx1
from tests.support import REPO, Mosquitto, choose_port, wait_for
from tests.torture.fleet import NETWORK

DATABASE = "torture"
DISK_MIB = 512


class Plant:
    """Runs once made. All files go into `folder`; the journal has a small disk of its own there, which can be
    filled, when this user may mount one."""

    def __init__(self, folder: Path, disk_mib: int = DISK_MIB) -> None:
        self.folder = folder
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.mounted = _mount(self.disk, disk_mib)
        self.broker = Mosquitto(folder, choose_port(), ["max_queued_bytes 0"]).start()
        self.influx = Influx1(folder / "influx", [])
        self.influx.start()
        self.influx.query(f"CREATE DATABASE {DATABASE}")
        self.config = folder / "gateway.toml"
        self.config.write_text(
            f'network = "{NETWORK}"\n[broker]\nport = {self.broker.port}\n'
            f'[journal]\npath = "{self.disk}/journal.sqlite"\n[web]\nenabled = false\n'
            "[monitor]\nenabled = false\n"
            f'[influx]\nenabled = true\napi = "v1"\nurl = "{self.influx.url}"\ndatabase = "{DATABASE}"\n'
        )
        self.log = folder / "gateway.log"
        self._gateway: subprocess.Popen[bytes] | None = None
        self.start_gateway()

    def start_gateway(self) -> None:
        with self.log.open("ab") as log:
            self._gateway = subprocess.Popen(
                [*(sys.executable, "-m", "dustline.cli", "gateway", "run"), "--config", str(self.config)],
                cwd=REPO,
                stdout=log,
                stderr=log,
            )

    def kill_gateway(self) -> None:
        assert self._gateway is not None
        assert self._gateway.poll() is None, f"the gateway ended by itself: {self.log.read_text()[-1500:]}"
        self._gateway.kill()
        self._gateway.wait(10)

    def kill_broker(self, away_s: float) -> None:
        self.broker.kill()
        time.sleep(away_s)  # the outage itself
        self.broker.start()

    def kill_influx(self) -> None:
        process = self.influx.process
        assert process is not None
        process.kill()
        process.wait(10)
        self.influx.process = None

    def fill_disk(self, full_s: float) -> None:
        """Leave no byte on the journal's disk for so long. Without any room there is no first journal, and
        the gateway ends and says so: that is not what is tried here."""
        wait_for(lambda: "connected to the broker" in self.log.read_text(), 60, "the journal")
        ballast = self.disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError:
                pass  # it is full: that is the point
            for piece in (4096, 1):
                try:
                    while True:
                        file.write(bytes(piece))
                except OSError:
                    continue
        time.sleep(full_s)  # the outage itself
        ballast.unlink()

    def rss_mib(self) -> float:
        assert self._gateway is not None
        pages = int(Path(f"/proc/{self._gateway.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1048576

    def stop(self) -> None:
        if self._gateway is not None:
            self._gateway.terminate()
            self._gateway.wait(15)
            self._gateway = None
        self.influx.stop()
        self.broker.stop()

    def close(self) -> None:
        """Also after a failure; the small disk is given back."""
        if self._gateway is not None:
            self._gateway.kill()
            self._gateway.wait(10)
        self.influx.stop()
        self.broker.stop()
        if self.mounted:
            subprocess.run(["umount", "-l", self.disk], check=True)


def _mount(place: Path, mib: int) -> bool:
    if os.geteuid() != 0:
        return False
    size = f"size={mib}m"
    return subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place]).returncode == 0
