"""The page's server: every answer is computed by the schedules themselves; nothing is remembered between requests but trainings."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import json
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from ..core import GlidepathError, installing
from . import answers, runs
from .guard import bounded, gate
from .jobs import Jobs, Work

STATIC = Path(__file__).parent / "static"


def create(port: int, folder: Path | None = None) -> Callable[..., Any]:
    """Returns the application.

    Args:
        port: The port it will be reached at: other Host headers are refused.
        folder: A folder with a comparison's records for "does it matter", or None.

    Raises:
        GlidepathError: If plotly, which the page draws with, is not installed.
    """
    spec = importlib.util.find_spec("plotly")
    drawn = Path(spec.origin).parent / "package_data" / "plotly.min.js" if spec and spec.origin else None
    if drawn is None or not drawn.exists():
        raise GlidepathError.of("open", "plotly", "installed for the page", "no plotly", installing("play"))
    jobs, token = Jobs(), secrets.token_urlsafe(24)
    app = FastAPI(title="glidepath", docs_url=None, redoc_url=None, on_shutdown=[jobs.cancel_all])
    app.add_exception_handler(GlidepathError, lambda _, error: _sent(answers.refusal(getattr(error, "problems", ()))))
    _pages(app, drawn, token)
    _trainings(app, jobs, token)
    _curves(app, folder)
    return gate(app, port)


def _sent(made: answers.Reply) -> Response:
    return Response(made.body, made.status, media_type=made.media)


def _pages(app: FastAPI, plotly: Path, token: str) -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    page = page.replace("{{token}}", token).replace("{{picture}}", answers.picture())

    @app.get("/", response_class=HTMLResponse)
    async def index() -> HTMLResponse:
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    def file(address: str, place: Path, media: str, cached: str = "no-store") -> None:
        @app.get(address)
        async def found() -> FileResponse:
            return FileResponse(place, media_type=media, headers={"cache-control": cached})

    file("/forecast", STATIC / "forecast.html", "text/html")
    file("/plotly.js", plotly, "text/javascript", "max-age=86400")
    file("/favicon.ico", STATIC / "icon.svg", "image/svg+xml")

    @app.get("/gallery/{file:path}")
    def moving(file: str) -> Response:
        from . import gallery

        name = file or "index.html"
        if name in gallery.PAGES:
            return HTMLResponse(gallery.page(gallery.PAGES[name]))
        made = gallery.animated(name)
        if made is None:
            raise HTTPException(404, "gallery: there is no picture of that name")
        return Response(made, media_type="image/gif", headers={"cache-control": "max-age=86400"})

    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def _curves(app: FastAPI, folder: Path | None) -> None:
    @app.get("/start.json")
    def started() -> Response:
        return _sent(answers.told(answers.start()))

    @app.get("/api/catalogue")
    def words() -> Response:
        from . import range_test

        return _sent(answers.told({**answers.words(), "sweeps": range_test.known()}))

    @app.get("/api/records")
    def recorded() -> dict[str, Any]:
        return {"tasks": runs.tasks(folder) if folder is not None else []}

    def matter(request: runs.Matter) -> dict[str, Any]:
        return runs.matter(request, folder)

    known: answers.Answers = {
        **answers.ANSWERS,
        "matter": matter,
        "forecast/laws": "forecasting.fitted",
        "forecast/curve": "forecasting.forecast",
        "log": "forecasting.logged",
        "range": "range_test.range_test",
    }

    @app.post("/api/{path:path}")
    async def answered(path: str, request: Request) -> Response:
        body = await request.body()
        seconds = 60.0 if path == "export" else None
        return _sent(await asyncio.to_thread(bounded(answers.answer, seconds), path, body, known))


def _trainings(app: FastAPI, jobs: Jobs, token: str) -> None:
    def allowed(given: str) -> None:
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise HTTPException(403, "train: token must be this page's own")

    def started(key: str, made: str) -> None:
        def answered(body: bytes) -> answers.Reply:
            work = answers.found(made)

            @functools.wraps(work)
            def begin(request: Any) -> dict[str, str]:
                return {"job": jobs.start(work(request)).key}

            return answers.answer(key, body, {key: begin})

        @app.post(f"/api/{key}")
        async def starting(request: Request, x_glidepath_token: Annotated[str, Header()] = "") -> Response:
            allowed(x_glidepath_token)
            return _sent(await asyncio.to_thread(answered, await request.body()))

    started("train", "runs.training")
    started("sweep", "range_test.sweeping")

    @app.post("/api/jobs/{key}/cancel")
    def cancel(key: str, x_glidepath_token: Annotated[str, Header()] = "") -> dict[str, bool]:
        allowed(x_glidepath_token)
        jobs.get(key).cancelled.set()
        return {"cancelled": True}

    @app.get("/api/jobs/{key}/events")
    async def events(key: str) -> StreamingResponse:
        told, headers = _stream(jobs.get(key)), {"cache-control": "no-store"}
        return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def _stream(job: Work) -> AsyncIterator[str]:
    told = 0
    while True:
        new = job.events[told:]
        told += len(new)
        for i, event in enumerate(new, start=1):
            if event["type"] != "progress" or i == len(new):
                yield f"data: {json.dumps(event, allow_nan=False)}\n\n"
        if job.over and told == len(job.events):
            return
        await asyncio.sleep(0.15)
