"""Starting and ending the page's server: loopback only, a free port, Ctrl-C."""

from __future__ import annotations

import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core import GlidepathError, installing

HOST = "127.0.0.1"


def serve(
    port: int | None = None,
    open_browser: bool = True,
    *,
    runs: str | os.PathLike[str] | None = "runs/demo",
    fragment: str = "",
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serves the page on this machine alone until Ctrl-C.

    Args:
        port: The port, or None for a free one.
        open_browser: Whether to open the page in the browser.
        runs: A folder with a comparison's records, shown under "does it matter?"; None for none.
        fragment: What comes after `#` in the address: the state of the page, such as a shared link has it.
        announce: Is told the address once the page can be opened; None prints it to standard error.

    Raises:
        GlidepathError: If the port is taken or out of range, or a package is missing.
    """
    try:
        import uvicorn

        from .app import create
    except ImportError as error:
        raise GlidepathError.of("open", "packages", "installed for the page", str(error), installing("play")) from None
    listener = _bound(port)
    own = int(listener.getsockname()[1])
    address = f"http://{HOST}:{own}/" + (f"#{fragment}" if fragment else "")
    config = uvicorn.Config(
        create(own, None if runs is None else Path(runs)),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        server_header=False,
        ws="none",
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_when_ready, args=(server, address, open_browser, announce), daemon=True).start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def _bound(port: int | None) -> socket.socket:
    if port is not None and (not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65535):
        raise GlidepathError.of("open", "port", "from 1 to 65535", port)
    # The protocol is named, because asyncio sends small answers at once (TCP_NODELAY) only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port or 0))
    except OSError as error:
        listener.close()
        raise GlidepathError.of("open", "port", "free", port, error.strerror or str(error)) from None
    return listener


def _when_ready(server: Any, address: str, open_browser: bool, announce: Callable[[str], None] | None) -> None:
    waiting = threading.Event()
    while not server.started:
        if server.should_exit or waiting.wait(0.01):
            return
    if announce is not None:
        announce(address)
    else:
        sys.stderr.write(f"glidepath: {address}\nCtrl-C ends it.\n")
        sys.stderr.flush()
    if open_browser:
        webbrowser.open(address)
    _warm()


def _warm() -> None:
    """Does once what the first request would wait for: NumPy, the catalogue, the checker, the formula's converter."""
    from . import details, look
    from .catalogue import catalogue

    catalogue()
    look.look(look.Look(text="warmup_cosine(10000, warmup=500)"))
    details.details(details.Details(text="warmup_cosine(10000, warmup=500)"))
