"""What the server lets in and out: the Host header, the size of a request, the headers of every answer; and how long it works on one."""

from __future__ import annotations

import ctypes
import functools
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

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
_NAMES = ("127.0.0.1", "localhost", "[::1]")
SECONDS = 10.0
"""Processor time of one answer."""
_EVERY = 0.05
F = TypeVar("F", bound=Callable[..., Any])


class Gate:
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


class _OutOfTime(BaseException):
    """Raised inside the thread whose time is up; not an Exception, so that nothing on the way takes it for its own."""


class _Watch(threading.Thread):
    """Looks at the threads at work and ends those whose time is up."""

    def __init__(self) -> None:
        super().__init__(name="glidepath-deadline", daemon=True)
        self._lock, self._work = threading.Condition(), dict[int, tuple[Callable[[], float], float]]()
        self._told: set[int] = set()

    def begin(self, seconds: float) -> None:
        me, clock = threading.get_ident(), time.monotonic
        if sys.platform == "linux":  # this thread's processor time, which another may read
            clock = functools.partial(time.clock_gettime, time.pthread_getcpuclockid(me))
        with self._lock:
            self._work[me] = clock, clock() + seconds
            self._lock.notify()

    def end(self) -> None:
        """Ends the watch of this thread; if its time is up this very moment, waits for that to be raised."""
        me = threading.get_ident()
        with self._lock:
            self._work.pop(me, None)
            told = me in self._told
        while told:
            time.sleep(0.001)

    def forget(self) -> None:
        """Ends the watch of this thread, whose time was up."""
        with self._lock:
            self._work.pop(threading.get_ident(), None)
            self._told.discard(threading.get_ident())

    def run(self) -> None:
        while True:
            with self._lock:
                while not self._work:
                    self._lock.wait()
                for thread, (clock, limit) in list(self._work.items()):
                    if thread not in self._told and clock() > limit:
                        self._told.add(thread)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_OutOfTime))
            time.sleep(_EVERY)


@functools.cache
def _watch() -> _Watch:
    watch = _Watch()
    watch.start()
    return watch


def bounded(answer: F, seconds: float | None = None) -> F:
    """Returns the function with a budget of time.

    Args:
        answer: What makes an answer in a thread of its own.
        seconds: How long it may work; None is `SECONDS`.

    Raises:
        GlidepathError: From the function, when its time is up; the budget is named.
    """

    @functools.wraps(answer)
    def within(*args: Any, **kwargs: Any) -> Any:
        limit, watch = seconds or SECONDS, _watch()
        try:
            watch.begin(limit)
            try:
                made = answer(*args, **kwargs)
            except Exception:
                watch.end()
                raise
            watch.end()
            return made
        except _OutOfTime:
            watch.forget()
            rule, got = f"answered within {limit:g} seconds of processor time", "one that takes longer"
            raise GlidepathError.worded("page", "schedule", rule, got, "fewer parts or fewer steps") from None

    return within  # type: ignore[return-value]
