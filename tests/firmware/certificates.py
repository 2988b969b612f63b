"""Certificates for tests, made by the openssl command: authorities, servers and clients of every bad kind."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support import require


@dataclass(frozen=True)
class Certificate:
    """`pem` and `key` are files; `key` is PEM too."""

    pem: Path
    key: Path

    @property
    def der(self) -> Path:
        return self._converted(self.pem, "x509")

    @property
    def key_der(self) -> Path:
        return self._converted(self.key, "ec")

    def _converted(self, source: Path, command: str) -> Path:
        target = source.with_name(source.stem + (".key.der" if command == "ec" else ".der"))
        if not target.exists():
            _openssl(command, "-in", source, "-outform", "DER", "-out", target)
        return target


def make_ca(directory: Path, name: str = "City of Warsaw test CA") -> Certificate:
    """A certificate authority in a folder of its own under `directory`."""
    folder = _new_folder(directory)
    ca = Certificate(folder / "ca.pem", folder / "ca.key")
    _make_key(ca.key)
    _openssl(
        *("req", "-x509", "-new", "-key", ca.key, "-out", ca.pem, "-days", 3650, "-subj", f"/CN={name}"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    (folder / "index.txt").touch()
    (folder / "serial").write_text("1000\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\nserial={folder}/serial\n"
        f"new_certs_dir={folder}\ncertificate={ca.pem}\nprivate_key={ca.key}\ndefault_md=sha256\n"
        "policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
    )
    return ca


def make_server_certificate(
    ca: Certificate | None,
    names: Sequence[str] = ("127.0.0.1", "localhost"),
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    *,
    directory: Path | None = None,
) -> Certificate:
    """For host names and addresses, from yesterday on for a year unless told. Without `ca` it is signed by
    itself, and `directory` says where it goes."""
    entries = [("IP:" if _is_address(name) else "DNS:") + name for name in names]
    extensions = f"subjectAltName={','.join(entries)}\nbasicConstraints=critical,CA:FALSE\n"
    return _issue(ca, names[0], extensions, not_before, not_after, directory)


def make_client_certificate(ca: Certificate, name: str) -> Certificate:
    """With a node's name, as Mosquitto's `use_identity_as_username` reads it."""
    return _issue(ca, name, "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n")


def tls_listener(server: Certificate, client_ca: Certificate | None = None) -> list[str]:
    """Mosquitto's settings, to go behind its `listener` line. With `client_ca` it wants a certificate."""
    lines = [f"certfile {server.pem}", f"keyfile {server.key}"]
    if client_ca:
        lines += [f"cafile {client_ca.pem}", "require_certificate true"]
    return lines


def _issue(
    ca: Certificate | None,
    name: str,
    extensions: str,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    directory: Path | None = None,
) -> Certificate:
    now = datetime.now(UTC)
    dates = (not_before or now - timedelta(days=1), not_after or now + timedelta(days=365))
    if ca is None:
        assert directory is not None
        ca = make_ca(directory, name)  # only its key and folder are used
        signed_by: tuple[Any, ...] = ("-selfsign",)
        made = Certificate(ca.pem.with_name("self.pem"), ca.key)
    else:
        folder = _new_folder(ca.pem.parent)
        signed_by = ()
        made = Certificate(folder / "cert.pem", folder / "cert.key")
        _make_key(made.key)
    request, settings = made.pem.with_suffix(".csr"), made.pem.with_suffix(".ext")
    settings.write_text(extensions)
    _openssl("req", "-new", "-key", made.key, "-out", request, "-subj", f"/CN={name}")
    _openssl(
        *("ca", "-batch", "-notext", "-config", ca.pem.with_name("ca.cnf"), *signed_by),
        *("-in", request, "-out", made.pem, "-extfile", settings),
        *("-startdate", f"{dates[0]:%Y%m%d%H%M%SZ}", "-enddate", f"{dates[1]:%Y%m%d%H%M%SZ}"),
    )
    return made


def _make_key(path: Path) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    path.chmod(0o644)  # Mosquitto may run as another user


def _is_address(name: str) -> bool:
    return all(part.isdigit() for part in name.split("."))


def _new_folder(parent: Path) -> Path:
    folder = parent / f"certificates{len(list(parent.glob('certificates*')))}"
    folder.mkdir(parents=True)
    return folder


def _openssl(*words: Any) -> None:
    done = subprocess.run([require("openssl"), *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
