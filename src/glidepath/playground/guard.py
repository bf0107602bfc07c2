"""What the server lets in and out: the Host header, the size of a request, the headers of every answer; and how long it works on one."""

from __future__ import annotations

import ctypes
import functools
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ..core import GlidepathError

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
_FROM = "request: must come from this page itself"
SECONDS = 10.0  # processor time of one answer


def gate(app: Any, port: int) -> Callable[..., Any]:
    """Returns an ASGI layer around an application.

    Refuses requests whose Host is not this machine's own name with this server's port (a page elsewhere that had its name resolve to
    127.0.0.1 would send its own), requests that another site makes, headers given twice, and, before they are read, bodies that are too large
    or do not say how large they are. A body longer than it says is no part of the request: the server's HTTP ends it there.

    Args:
        app: The application.
        port: The port of this server.
    """
    ends = (f":{port}", "") if port == 80 else (f":{port}",)
    hosts = {f"{name}{end}".encode() for name in ("127.0.0.1", "localhost", "[::1]") for end in ends}
    origins = {b"http://" + host for host in hosts}

    async def gated(scope: Any, receive: Any, send: Any) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
            return
        names = [name for name, _ in scope["headers"]]
        headers = dict(scope["headers"])
        twice = next((name.decode("latin-1") for name in _ONCE if names.count(name) > 1), None)
        length = headers.get(b"content-length", b"0")
        large = not length.isdigit() or len(length) > 15 or int(length) > MAX_BODY
        rules = (
            (twice is not None, 400, f"{twice}: must be given once, got it twice"),
            (
                headers.get(b"host", b"") not in hosts,
                403,
                "host: must be this machine's own name and this server's port",
            ),
            (headers.get(b"origin") not in (None, *origins), 403, "origin: must be this page's own"),
            (headers.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"), 403, _FROM),
            (b"transfer-encoding" in headers, 411, "content-length: must be given, got a body in pieces"),
            (large, 413, f"request: must be of at most {MAX_BODY} bytes"),
        )

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        refused = next(((status, told) for broken, status, told in rules if broken), None)
        await (app(scope, receive, guarded) if refused is None else _refuse(guarded, *refused))

    return gated


async def _refuse(send: Any, status: int, message: str) -> None:
    body = json.dumps({"problems": [{"path": "", "field": "", "message": message}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 411:
        headers.append((b"connection", b"close"))  # nobody knows where its body would end
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _OutOfTime(BaseException):
    """Raised inside the thread whose time is up; not an Exception, so that nothing on the way takes it for its own."""


def bounded(answer: Callable[..., Any], seconds: float | None = None) -> Callable[..., Any]:
    """Returns the function with a budget of time, which a thread beside it watches.

    Args:
        answer: What makes an answer in a thread of its own.
        seconds: How long it may work; None is `SECONDS`.

    Raises:
        GlidepathError: From the function, when its time is up; the budget is named.
    """

    @functools.wraps(answer)
    def within(*args: Any, **kwargs: Any) -> Any:
        limit, me, clock = seconds or SECONDS, threading.get_ident(), time.monotonic
        if sys.platform == "linux":  # this thread's processor time, which another may read
            clock = functools.partial(time.clock_gettime, time.pthread_getcpuclockid(me))
        ends, lock, over, told = clock() + limit, threading.Lock(), threading.Event(), threading.Event()

        def watch() -> None:
            left = limit
            while not over.wait(max(left, 0.05)):
                with lock:
                    left = 0.0 if over.is_set() else ends - clock()
                    if left < 0:
                        told.set()
                        over.set()
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(me), ctypes.py_object(_OutOfTime))

        try:
            threading.Thread(target=watch, name="glidepath-deadline", daemon=True).start()
            try:
                return answer(*args, **kwargs)
            except _OutOfTime:
                told.clear()
                raise
            finally:
                with lock:
                    over.set()
                while told.is_set():  # its time is up this very moment: that is waited for
                    time.sleep(0.001)
        except _OutOfTime:
            rule, got = f"answered within {limit:g} seconds of processor time", "one that takes longer"
            raise GlidepathError.worded("page", "schedule", rule, got, "fewer parts or fewer steps") from None

    return within
