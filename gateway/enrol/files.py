"""A broker whose users are in Mosquitto's password_file, and whose acl_file keeps each to its own topics.

Mosquitto reads the files again at SIGHUP. It then also ends the connection of every client whose password no
longer fits (seen with 2.0.11). Whether it did is proved, not hoped for: each change carries a user of the
gateway's own with a new secret, and when that one can log in, the broker has read the change.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from gateway import topics
from gateway.config import Settings
from gateway.enrol.errors import EnrolError
from gateway.enrol.password_file import changed, exchange, hashed, read_lines, users
from gateway.preflight.acl_file import allowed, rules_for
from gateway.preflight.line import Line, LineError
from gateway.preflight.mosquitto_conf import ConfError

# Nobody knows its secret for longer than a change takes. No node is enrolled under that name.
PROBE = "dustline-probe"
_AGAIN_S = 0.1
UP = ("readings", "status", "health", "reply", "fetch")
DOWN = ("ack", "config", "command", "chunk")


class PasswordFile:
    """What BrokerAccess says, with files. Raises EnrolError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        wanted = settings.enrol
        assert wanted.password_file is not None, "the settings demand it"
        assert wanted.acl_file is not None, "the settings demand it"
        self._file: Path = wanted.password_file
        self._acl: Path = wanted.acl_file

    def known(self, name: str) -> bool:
        return name in users(read_lines(self._file))

    def add(self, secret_of: Mapping[str, str]) -> None:
        for name in secret_of:
            self._check_rules(name)
        self._change({name: hashed(secret) for name, secret in secret_of.items()}, undo=True)

    def exchange(self, name: str, secret: str) -> None:
        self._check_rules(name)
        self._change({name: hashed(secret)}, undo=True)

    def remove(self, name: str) -> None:
        # Not undone: who is revoked shall not come back because a reload failed.
        self._change({}, drop=frozenset({name}), undo=False)

    def _change(self, put: Mapping[str, str], drop: frozenset[str] = frozenset(), *, undo: bool) -> None:
        before = read_lines(self._file)
        proof = secrets.token_urlsafe(24)
        exchange(self._file, changed(before, {**put, PROBE: hashed(proof)}, drop))
        try:
            self._reload()
            self._prove(proof)
        except EnrolError as error:
            if undo:
                exchange(self._file, before)
                raise EnrolError(f"{error}. The password file is as it was before") from error
            raise EnrolError(
                f"{error}. The password file is changed, but the broker does NOT know it yet: reload it now"
            ) from error

    def _reload(self) -> None:
        wanted = self._settings.enrol
        if wanted.reload_command:
            _run(wanted.reload_command)
        elif wanted.pid_file is not None:
            _hang_up(wanted.pid_file)

    def _prove(self, secret: str) -> None:
        """Return once the broker lets the proof in."""
        broker = self._settings.broker.model_copy(
            update={"username": PROBE, "password": SecretStr(secret), "client_id": None}
        )
        where = f"the broker at {broker.host}:{broker.port}"
        deadline = time.monotonic() + self._settings.enrol.reload_s
        while True:
            try:
                with Line(broker, f"{PROBE}-{secrets.token_hex(4)}", clean=True, expiry_s=0):
                    return
            except LineError as error:
                why = str(error)
                if time.monotonic() > deadline:
                    break
            time.sleep(_AGAIN_S)
        raise EnrolError(
            f"{where} has not read {self._file} again within {self._settings.enrol.reload_s} s ({why}): see "
            "that enrol.pid_file or enrol.reload_command reaches this broker, and that it can read the file"
        )

    def _check_rules(self, name: str) -> None:
        """The rules give a node its own topics and no other's."""
        network = self._settings.network
        pattern = "pattern readwrite dl/1/+/+/%u/#"
        try:
            rules = rules_for(self._acl, name, name)
        except ConfError as error:
            raise EnrolError(f"enrol.{error}") from error
        other = "dustline-other"
        for access, kinds in (("write", UP), ("read", DOWN)):
            for kind in kinds:
                if not allowed(rules, access, topics.build(network, name, kind)):
                    raise EnrolError(
                        f"enrol.acl_file {self._acl} does not let {name} {access} its own {kind}: add "
                        f"the line `{pattern}`, reload the broker and try again"
                    )
                for way in ("read", "write"):
                    if allowed(rules, way, topics.build(network, other, kind)):
                        raise EnrolError(
                            f"enrol.acl_file {self._acl} lets {name} {way} the {kind} of every node: take "
                            f"that rule away, so that `{pattern}` is all that a node has"
                        )


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnrolError(f"enrol.reload_command cannot be run: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise EnrolError(f"enrol.reload_command failed with exit code {done.returncode}: {last}")


def _hang_up(pid_file: Path) -> None:
    """SIGHUP to the broker, and to nobody who has its number by now."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        named = Path(f"/proc/{pid}/comm")
        if pid > 1 and (not named.exists() or named.read_text().strip() == "mosquitto"):
            os.kill(pid, signal.SIGHUP)
            return
    except ValueError as error:
        raise EnrolError(f"enrol.pid_file {pid_file} holds no process number") from error
    except ProcessLookupError as error:
        raise EnrolError(f"enrol.pid_file {pid_file}: no such process runs; is the broker up?") from error
    except OSError as error:
        raise EnrolError(
            f"enrol.pid_file {pid_file}: the broker cannot be told ({error.strerror}): set "
            "enrol.reload_command in its place, or let systemd reload it at a change; docs/enrolment.md"
        ) from error
    raise EnrolError(f"enrol.pid_file {pid_file}: process {pid} is no Mosquitto; is the broker up?")
