"""The page that flashes a board and sets it up, and the images that it installs.

`dustline node flash-page` makes the folder of images with its manifest; this only hands its files out.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_STATIC = Path(__file__).with_name("static")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.(json|bin)")


def routes(firmware: str) -> list[Route]:
    """`firmware`: the folder with manifest.json and the images, "" for none: then the page only sets up."""

    async def page(_: Request) -> Response:
        return FileResponse(_STATIC / "flash.html")

    async def file(request: Request) -> Response:
        name: str = request.path_params["name"]
        path = Path(firmware) / name
        if not firmware or not _NAME.fullmatch(name) or not path.is_file():
            raise HTTPException(404, "There is no such image here.")
        return FileResponse(path)

    return [Route("/flash", page), Route("/firmware/{name}", file)]
