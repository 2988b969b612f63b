"""A file with certificate authorities, judged when the configuration is read and not at the first use."""

from __future__ import annotations

import ssl
from pathlib import Path


def check_ca_file(path: Path) -> None:
    """Raise ValueError, for a person, unless TLS can use it."""
    if not path.is_file():
        raise ValueError(f"ca_file {path} is not there")
    try:
        ssl.create_default_context(cafile=str(path))
    except ssl.SSLError as error:
        raise ValueError(
            f"ca_file {path} holds no certificate that can be used; give the authority's, in PEM form"
        ) from error
    except OSError as error:
        raise ValueError(f"ca_file {path} cannot be read ({error.strerror}); check its rights") from error
