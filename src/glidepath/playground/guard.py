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
_ONCE = (b"host", b"origin", b"sec-fetch-site", b"content-length", b"transfer-encoding", b"x-glidepath-token")
_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """An ASGI layer around the application.

    Refuses requests whose Host is not this machine's own name with this server's port (a page elsewhere that had its name resolve to
    127.0.0.1 would send its own), requests that another site makes, headers given twice, and, before they are read, bodies that are too large
    or do not say how large they are.

    Args:
        app: The application.
        port: The port of this server.
    """

    def __init__(self, app: Any, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in _NAMES} | (
            {n.encode() for n in _NAMES} if port == 80 else set()
        )
        self.origins = {b"http://" + host for host in self.hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        names = [name for name, _ in scope["headers"]]
        headers = dict(scope["headers"])
        twice = next((name.decode("latin-1") for name in _ONCE if names.count(name) > 1), None)
        length = headers.get(b"content-length", b"0")
        if twice is not None:
            refused = 400, f"{twice}: must be given once, got it twice"
        elif headers.get(b"host", b"") not in self.hosts:
            refused = 403, "host: must be this machine's own name and this server's port"
        elif headers.get(b"origin") not in (None, *self.origins):
            refused = 403, "origin: must be this page's own"
        elif headers.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
            refused = 403, "request: must come from this page itself"
        elif b"transfer-encoding" in headers:
            refused = 411, "content-length: must be given, got a body in pieces"
        elif not length.isdigit() or len(length) > 15 or int(length) > MAX_BODY:
            refused = 413, f"request: must be of at most {MAX_BODY} bytes"
        else:
            refused = None
        if refused is not None:
            await _refuse(send, *refused)
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
    if status == 411:
        headers.append((b"connection", b"close"))  # nobody knows where its body would end
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
