"""`/join` and `/api/enrol`: who has one exchanges a one-time code for a kit code. See docs/web.md."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from gateway.config import Settings
from gateway.enrol.codes import hash_of
from gateway.enrol.enroller import Enroller
from gateway.enrol.errors import EnrolError
from gateway.enrol.kit import Kit
from gateway.enrol.store import StoreError
from gateway.places import AnyPlace, PlaceError, Precision, place_of, public_place

log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.web")

_STATIC = Path(__file__).with_name("static")
MOST_BYTES = 4096
TRIES_A_MINUTE = 10
TRIES_OF_ALL = 60
_MOST_ADDRESSES = 1000
_MINUTE = 60.0


class _Asked(BaseModel):
    """What is posted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    code: str = Field(max_length=64, repr=False)
    precision: Precision
    place: dict[str, Any] | None = Field(None, repr=False)


class RefusalError(Exception):
    """The answer to a request that is not done. `reason` is of docs/web.md."""

    def __init__(self, status: int, reason: str, text: str, retry_s: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.headers = {} if retry_s is None else {"retry-after": str(retry_s)}


class Tries:
    """How often an address, and all together, may ask. `now`: seconds of a clock that only goes forward."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._of: dict[str, list[float]] = {}
        self._all: list[float] = []

    def wait_s(self, address: str) -> int:
        """0 and it counts, or after how many seconds to come again."""
        since = self._now() - _MINUTE
        self._all = [at for at in self._all if at > since]
        mine = [at for at in self._of.pop(address, []) if at > since]
        self._of[address] = mine  # at the end: the longest unheard is dropped first
        while len(self._of) > _MOST_ADDRESSES:
            self._of.pop(next(iter(self._of)))
        bounds = ((mine, TRIES_A_MINUTE), (self._all, TRIES_OF_ALL))
        full = [times[0] for times, most in bounds if len(times) >= most]
        if full:
            return max(1, math.ceil(max(full) - since))
        mine.append(self._now())
        self._all.append(self._now())
        return 0


class Desk:
    """Enrols one after another, in a thread of its own. `settings` gives those that are in force."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self.settings = settings
        self._tries = Tries()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="web-enrol")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def page(self, _: Request) -> Response:
        return FileResponse(_STATIC / "join.html")

    async def offer(self, _: Request) -> Response:
        settings = self.settings()
        return _json({"network": settings.network, "districts": list(settings.districts)})

    async def enrol(self, request: Request) -> Response:
        try:
            asked = await self._judge(request)
            place = self._place(asked)
            loop = asyncio.get_running_loop()
            kit = await loop.run_in_executor(self._thread, self._exchange, asked.code, place)
        except RefusalError as refusal:
            return _json({"error": str(refusal), "reason": refusal.reason}, refusal.status, refusal.headers)
        portal = {"ssid": kit.ssid, "password": kit.portal}
        return _json({"kit_code": kit.code, "node": kit.node, "portal": portal})

    async def _judge(self, request: Request) -> _Asked:
        headers = request.headers
        if headers.get("x-dustline") != "enrol":
            raise RefusalError(403, "origin", "The header X-Dustline: enrol is missing.")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise RefusalError(403, "origin", "This comes from another site's page.")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RefusalError(415, "request", "The content must be application/json.")
        wait_s = self._tries.wait_s(_address(request))
        if wait_s:
            raise RefusalError(429, "rate", f"Too many tries; try again in {wait_s} seconds.", wait_s)
        try:
            return _Asked.model_validate(json.loads(await _body(request)))
        except ValidationError as error:
            raise RefusalError(400, "request", _explain(error)) from None
        except (ValueError, RecursionError):
            raise RefusalError(400, "request", "The content is not JSON.") from None

    def _place(self, asked: _Asked) -> AnyPlace | None:
        if asked.place is None:
            return None
        if "precision" in asked.place:
            raise RefusalError(400, "request", "precision does not belong into place.")
        try:
            place = place_of({**asked.place, "precision": asked.precision})
            public_place(place, self.settings().districts)
        except ValidationError as error:
            raise RefusalError(400, "request", _explain(error, "place.")) from None
        except PlaceError as error:
            raise RefusalError(400, "request", f"place: {error}.") from None
        return place

    def _exchange(self, code: str, place: AnyPlace | None) -> Kit:
        hashed = hash_of(code)
        kit = None
        if hashed is not None:
            try:
                kit = Enroller(self.settings()).enrol_by_code(hashed, place)
            except (EnrolError, StoreError) as error:
                log.error("a code could not be exchanged, and stays good", reason=str(error))
                text = "The broker cannot be told at the moment; the code stays good. Please try again later."
                raise RefusalError(503, "broker", text, 60) from error
        if kit is None:
            raise RefusalError(403, "code", "This code is not known, was used already, or has expired.")
        log.info("node enrolled by a code", node=kit.node)
        return kit


def routes(desk: Desk | None) -> list[Route]:
    """None without enrolment on the page."""
    if desk is None:
        return []
    return [
        Route("/join", desk.page),
        Route("/api/enrol", desk.offer, methods=["GET"]),
        Route("/api/enrol", desk.enrol, methods=["POST"]),
    ]


def _address(request: Request) -> str:
    """Of whoever asks; behind a proxy on this machine, what that one says last."""
    host = request.client.host if request.client is not None else ""
    try:
        if ipaddress.ip_address(host).is_loopback:
            host = request.headers.get("x-forwarded-for", host).rpartition(",")[2].strip()[:64]
    except ValueError:
        return host
    return host


async def _body(request: Request) -> bytes:
    found = b""
    async for part in request.stream():
        found += part
        if len(found) > MOST_BYTES:
            raise RefusalError(413, "request", f"The content is longer than {MOST_BYTES} bytes.")
    return found


def _explain(error: ValidationError, above: str = "") -> str:
    """Without what was given: it may be a place, or a code."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{above}{'.'.join(map(str, first['loc']))[:80]}: {first['msg']}."


def _json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(content, status, {"cache-control": "no-store", **(headers or {})})
