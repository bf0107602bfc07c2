"""What the server lets in and out: the Host header, the size of a request, and the headers of every answer."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["CSP", "MAX_BODY", "Guard"]

MAX_BODY = 3_000_000
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
_HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """An ASGI layer around the application.

    Refuses requests whose Host is not this machine's own name with this server's port (a page elsewhere that had its name resolve to
    127.0.0.1 would send its own), requests that another site makes, and bodies that are too large.

    Args:
        app: The application.
        port: The port of this server.
    """

    def __init__(self, app: Any, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in _NAMES} | (
            {n.encode() for n in _NAMES} if port == 80 else set()
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"")
        origin = headers.get(b"origin")
        if host not in self.hosts:
            await _refuse(send, 403, "host: must be this machine's own name and this server's port")
            return
        if origin is not None and origin.partition(b"//")[2] not in self.hosts:
            await _refuse(send, 403, "origin: must be this page's own")
            return
        if headers.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
            await _refuse(send, 403, "request: must come from this page itself")
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY:
            await _refuse(send, 413, f"request: must be of at most {MAX_BODY} bytes")
            return
        seen = 0

        async def bounded() -> Any:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= MAX_BODY else {"type": "http.disconnect"}

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        await self.app(scope, bounded, guarded)


async def _refuse(send: Any, status: int, message: str) -> None:
    body = json.dumps({"problems": [{"path": "", "field": "", "message": message}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
