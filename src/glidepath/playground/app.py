"""The page's server: every answer is computed by the schedules themselves; nothing is remembered between requests but trainings."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import secrets
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict

from glidepath.core.errors import GlidepathError, installing

from . import answers, code, details, exports, look, measures, plateau, questions, records, training
from .budget import Budget
from .deadline import bounded
from .guard import Guard
from .jobs import Job, Jobs
from .look import Base, Text

__all__ = ["create"]

STATIC = Path(__file__).parent / "static"


class Code(BaseModel):
    """A request for code."""

    model_config = ConfigDict(extra="forbid")
    text: Text
    target: str
    base: Base = 1.0
    budget: Budget = Budget()


class Matter(BaseModel):
    """A question for the trained schedule of the nearest shape."""

    model_config = ConfigDict(extra="forbid")
    text: Text
    last: int
    budget: Budget = Budget()


def create(port: int, runs: Path | None = None) -> Guard:
    """Returns the application.

    Args:
        port: The port it will be reached at: other Host headers are refused.
        runs: A folder with a comparison's records for "does it matter", or None.

    Raises:
        GlidepathError: If plotly, which the page draws with, is not installed.
    """
    spec = importlib.util.find_spec("plotly")
    drawn = Path(spec.origin).parent / "package_data" / "plotly.min.js" if spec and spec.origin else None
    if drawn is None or not drawn.exists():
        raise GlidepathError.of("open", "plotly", "installed for the page", "no plotly", installing("play"))
    jobs = Jobs()
    token = secrets.token_urlsafe(24)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        del app
        yield
        await asyncio.to_thread(jobs.cancel_all)

    app = FastAPI(title="glidepath", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_exception_handler(GlidepathError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    _pages(app, drawn, token)
    _curves(app)
    _trainings(app, jobs, token, runs)
    return Guard(app, port)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    problems = error.problems if isinstance(error, GlidepathError) else ()
    rows = [{"path": "", "field": problem.field, "message": str(problem)} for problem in problems]
    return JSONResponse({"problems": rows}, 422)


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    del request
    rows: list[dict[str, str]] = []
    for problem in error.errors() if isinstance(error, RequestValidationError) else []:
        place = [str(part) for part in problem["loc"] if part != "body"]
        given = str(problem.get("input"))[:60]
        message = f"{'.'.join(place) or 'request'}: must be right, got {given} ({problem['msg']})"
        message = message.encode("utf-8", "backslashreplace").decode()
        rows.append({"path": "", "field": place[-1] if place else "", "message": message})
    return JSONResponse({"problems": rows[:20]}, 422)


def _pages(app: FastAPI, plotly: Path, token: str) -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8").replace("{{token}}", token)
    script = plotly.as_posix()

    @app.get("/", response_class=HTMLResponse)
    async def index() -> HTMLResponse:
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    @app.get("/forecast")
    async def forecasts() -> FileResponse:
        return FileResponse(STATIC / "forecast.html", headers={"cache-control": "no-store"})

    @app.get("/plotly.js")
    async def chart() -> FileResponse:
        return FileResponse(script, media_type="text/javascript", headers={"cache-control": "max-age=86400"})

    @app.get("/favicon.ico")
    async def icon() -> FileResponse:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def _curves(app: FastAPI) -> None:
    catalogued = threading.Lock()  # several first requests wait for one catalogue instead of making it several times

    @app.get("/api/catalogue")
    def words() -> Response:
        from . import range_test

        with catalogued:
            found = {**answers.words(), "sweeps": range_test.known()}
        return Response(json.dumps(found), media_type="application/json")

    @app.get("/start.json")
    def started() -> Response:
        with catalogued:
            return Response(json.dumps(answers.start(), allow_nan=False), media_type="application/json")

    @app.post("/api/look")
    def looked(request: look.Look) -> Response:
        return Response(json.dumps(bounded(look.look)(request), allow_nan=False), media_type="application/json")

    @app.post("/api/at")
    def values(request: measures.At) -> dict[str, Any]:
        return bounded(measures.at)(request)

    @app.post("/api/measures")
    def measured(request: measures.Measure) -> dict[str, Any]:
        return bounded(measures.measures)(request)

    @app.post("/api/details")
    def detailed(request: details.Details) -> dict[str, Any]:
        return bounded(details.details)(request)

    @app.post("/api/fit")
    def fitted(request: details.Details) -> dict[str, Any]:
        return bounded(details.fit)(request)

    @app.post("/api/code")
    def written(request: Code) -> dict[str, str]:
        def answer() -> str:
            return code.code(_readable(request.text, request.budget), request.target, request.base)

        return {"code": bounded(answer)()}

    @app.post("/api/export")
    def exported(request: exports.Export) -> Response:
        name = f"schedule.{request.format}"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(
            bounded(exports.export, 60.0)(request), media_type=exports.TYPES[request.format], headers=headers
        )

    @app.post("/api/plateau")
    def fed(request: plateau.Feed) -> dict[str, Any]:
        return bounded(plateau.feed)(request)

    @app.post("/api/forecast/laws")
    def lawful(request: questions.Dropped) -> dict[str, Any]:
        from . import forecasting

        return forecasting.fitted(request)

    @app.post("/api/forecast/curve")
    def foreseen(request: questions.Asked) -> dict[str, Any]:
        from . import forecasting

        return forecasting.forecast(request)

    @app.post("/api/range")
    def ranged(request: questions.Range) -> Response:
        from . import range_test

        return Response(
            json.dumps(bounded(range_test.range_test)(request), allow_nan=False), media_type="application/json"
        )


def _readable(text: str, budget: Budget) -> Any:
    found = look.read(text, None, budget.settled())
    if found.built.schedule is None:
        message = found.built.problems[0]["message"] if found.built.problems else ""
        raise GlidepathError.of("page", "schedule", "readable", text[:60], message)
    return found.built.schedule


def _trainings(app: FastAPI, jobs: Jobs, token: str, runs: Path | None) -> None:
    def allowed(given: str) -> None:
        if not secrets.compare_digest(given.encode(), token.encode()):
            raise HTTPException(403, "train: token must be this page's own")

    @app.get("/api/records")
    def recorded() -> dict[str, Any]:
        return {"tasks": records.tasks(runs) if runs is not None else []}

    @app.post("/api/matter")
    def nearest(request: Matter) -> dict[str, Any]:
        schedule = _readable(request.text, request.budget)
        found: dict[str, Any] = {}
        for task in records.tasks(runs) if runs is not None else []:
            near = records.nearest(schedule, max(1, min(request.last, 2**53)), task["rows"], task["budget"])
            if near is not None:
                found[task["task"]] = near
        return {"nearest": found}

    @app.post("/api/train")
    def train(request: training.Train, x_glidepath_token: Annotated[str, Header()] = "") -> dict[str, str]:
        allowed(x_glidepath_token)
        return {"job": jobs.start(training.training(request)).key}

    @app.post("/api/sweep")
    def sweep(request: questions.Sweep, x_glidepath_token: Annotated[str, Header()] = "") -> dict[str, str]:
        from . import range_test

        allowed(x_glidepath_token)
        return {"job": jobs.start(range_test.sweeping(request)).key}

    @app.post("/api/jobs/{key}/cancel")
    def cancel(key: str, x_glidepath_token: Annotated[str, Header()] = "") -> dict[str, bool]:
        allowed(x_glidepath_token)
        jobs.get(key).cancelled.set()
        return {"cancelled": True}

    @app.get("/api/jobs/{key}/events")
    async def events(key: str) -> StreamingResponse:
        return StreamingResponse(
            _stream(jobs.get(key)), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )


async def _stream(job: Job) -> AsyncIterator[str]:
    told = 0
    while True:
        new = job.events[told:]
        told += len(new)
        kept = [event for i, event in enumerate(new) if event["type"] != "progress" or i == len(new) - 1]
        for event in kept:
            yield f"data: {json.dumps(event, allow_nan=False)}\n\n"
        if job.over and told == len(job.events):
            return
        await asyncio.sleep(0.15)
