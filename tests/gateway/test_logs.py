"""The gateway's own log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from gateway import logs
from gateway.config import LogSettings


@pytest.fixture(autouse=True)
def configuration_is_put_back() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def fail(secret: str) -> None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_traceback_tells_the_place_and_no_local_variable(
    format: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(LogSettings(format=format))
    try:
        fail("hunter" + str(2))
    except RuntimeError:
        structlog.get_logger("test").exception("it failed")
    told = capsys.readouterr().err
    assert "it failed" in told
    assert "RuntimeError: a bug" in told
    assert "in fail" in told
    assert "hunter2" not in told
