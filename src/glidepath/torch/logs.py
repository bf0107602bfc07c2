"""Where the applied values go: an experiment tracker, such as TensorBoard's writer, a CSV file, a file of JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from inspect import signature
from pathlib import Path
from typing import IO, Any

from ..core import GlidepathError
from .progress import Applied, Event

__all__ = ["log", "log_csv", "log_jsonl"]


Stop = Callable[[], None]
Effective = str | Callable[[dict[str, Any]], float] | None


def log(scheduler: Any, tracker: Any, prefix: str = "", every: int = 1, effective: Effective = None) -> Stop:
    """Feeds the values that every update was made with to an experiment tracker, one row an update, as `<prefix><parameter>/<group>`.

    Args:
        scheduler: What `attach` returned.
        tracker: What has one of `add_scalar(tag, value, step)` (TensorBoard, tensorboardX), `log_metrics(values, step=)` (the module
            `mlflow`, Comet, Lightning's loggers), `log_metric(tag, value, step=)`, `track(value, name=, step=)` (Aim), `log(values, step=)`
            (a run of W&B, SwanLab, trackio), or a function of values and step.
        prefix: In front of every tag.
        every: Of so many updates one is logged, beginning with update 0.
        effective: Logs the rates that the optimizer really uses beside the others, as `effective_lr`: see `Scheduler.effective`.

    Returns:
        A function that ends it.

    Raises:
        GlidepathError: If the tracker has none of them, or its own takes other arguments.
    """
    found = next((name for name in _CALLS if callable(getattr(tracker, name, None))), "")
    if not found and not callable(tracker):
        names = ", ".join(filter(None, _CALLS))
        raise GlidepathError.of("log", "tracker", f"an object with {names}, or a function", tracker)
    call, (single, arguments) = getattr(tracker, found) if found else tracker, _CALLS[found]
    more = _more(scheduler, effective)
    words, named = arguments("lr/0", 0.0, 0) if single else arguments({}, 0)
    try:
        with suppress(ValueError):  # it cannot be looked at
            signature(call).bind(*words, **named)
    except TypeError as error:
        told, name = "(tag, value, step)" if single else "(values, step)", f"tracker's {found or 'call'}"
        raise GlidepathError.worded("log", name, f"one that takes {told}", str(error)) from None

    def listen(update: int) -> None:
        if update % every:
            return
        values = {f"{prefix}{row.parameter}/{row.group}": row.value for row in [*scheduler.last, *more()]}
        for each in values.items() if single else ((values,),):
            words, named = arguments(*each, update)
            call(*words, **named)

    return scheduler.on_step(listen)


# Of each method that a tracker may have, the first that is there: whether it takes one value a call, and its arguments. "" is a function.
_CALLS: dict[str, tuple[bool, Callable[..., Any]]] = {
    "add_scalar": (True, lambda tag, value, step: ((tag, value, step), {})),
    "log_metrics": (False, lambda values, step: ((values,), {"step": step})),
    "log_metric": (True, lambda tag, value, step: ((tag, value), {"step": step})),
    "track": (True, lambda tag, value, step: ((value,), {"name": tag, "step": step})),
    "log": (False, lambda values, step: ((values,), {"step": step})),
    "": (False, lambda values, step: ((values, step), {})),
}


def log_csv(scheduler: Any, path: str | Path, every: int = 1, effective: Effective = None) -> Stop:
    """Appends every applied value to a CSV file: `update,group,parameter,value`, values in full precision.

    Args:
        scheduler: What to listen to.
        path: A new file gets a heading; an existing one is continued, as a resumed run does.
        every: Of so many updates one is written, beginning with update 0.
        effective: As in `log`.

    Returns:
        A function that ends it and closes the file.
    """
    file = Path(path).open("a", newline="", encoding="utf-8")  # noqa: SIM115  (closed by the function that is returned)
    rows = csv.writer(file)
    if not file.tell():
        rows.writerow(Applied._fields)

    def write(event: Event) -> None:
        if isinstance(event, Applied):
            rows.writerow((*event[:3], repr(event.value)))

    return _written(scheduler, file, write, every, effective)


def log_jsonl(scheduler: Any, path: str | Path, every: int = 1, effective: Effective = None) -> Stop:
    """Appends every event to a file, an object a line: `{"event": "applied", "update": …, "group": …, "parameter": …, "value": …}`.

    Foreign writes are written whatever `every` says.

    Args:
        scheduler: What to listen to.
        path: An existing file is continued.
        every: Of so many updates one is written, beginning with update 0.
        effective: As in `log`.

    Returns:
        A function that ends it and closes the file.
    """
    file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115  (closed by the function that is returned)

    def write(event: Event) -> None:
        kind = "applied" if isinstance(event, Applied) else "foreign"
        file.write(json.dumps({"event": kind, **event._asdict()}) + "\n")

    return _written(scheduler, file, write, every, effective)


def _more(scheduler: Any, effective: Effective) -> Callable[[], list[Applied]]:
    """Returns what gives the effective rates of the last update; a key that is missing is refused at once."""
    if effective is None:
        return list
    scheduler.effective(effective)
    return lambda: scheduler.effective(effective)


def _written(scheduler: Any, file: IO[str], write: Any, every: int, effective: Effective) -> Stop:
    """Lets a file hear of what is due, and returns what ends that."""
    more = _more(scheduler, effective)

    def listen(event: Event) -> None:
        if not isinstance(event, Applied) or event.update % every == 0:
            write(event)
            file.flush()

    ending = ExitStack()  # the last first
    for end in (file.close, scheduler.on_update(listen), scheduler.on_step(lambda _: list(map(listen, more())))):
        ending.callback(end)
    return ending.close
