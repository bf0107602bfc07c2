"""Starting and ending the page's server: loopback only, a free port, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core import GlidepathError, missing, taken
from ..core.fields import integer

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
        raise missing(error, "open", "play") from None
    listener = _bound(port)
    own = int(listener.getsockname()[1])
    address = f"http://{HOST}:{own}/" + (f"#{fragment}" if fragment else "")
    app = create(own, None if runs is None else Path(runs))
    quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False, "ws": "none"}
    server = uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=1, **quiet))
    threading.Thread(target=_when_ready, args=(server, address, open_browser, announce), daemon=True).start()
    with contextlib.closing(listener), contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _bound(port: int | None) -> socket.socket:
    wanted = 0 if port is None else taken("open", "port", port, integer(1, 65535))
    # The protocol is named, because asyncio sends small answers at once (TCP_NODELAY) only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, wanted))
    except OSError as error:
        listener.close()
        raise GlidepathError.of("open", "port", "free", port, error.strerror or str(error)) from None
    return listener


def _when_ready(server: Any, address: str, open_browser: bool, announce: Callable[[str], None] | None) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.01)
    if announce is not None:
        announce(address)
    else:
        sys.stderr.write(f"glidepath: {address}\nCtrl-C ends it.\n")
    if open_browser:
        webbrowser.open(address)
    # Now, what a request would wait for: NumPy, the checker, the formula's converter. The page asks for the catalogue itself, at once.
    from . import details, look

    look.look(look.Look(text="warmup_cosine(10000, warmup=500)"))
    details.details(details.Details(text="warmup_cosine(10000, warmup=500)"))
