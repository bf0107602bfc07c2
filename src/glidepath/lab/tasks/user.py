"""The user's own task, `module:object`: an object (a module, a class, an instance) with two functions.

`data()` gives three pairs of inputs and labels: to train on, for validation, for test. `model()` gives a torch module
that maps a batch of inputs to one logit a class. The object may also say `optimizer` (`Sgd` or `AdamW`), `batch`,
`peak_rate`, `budget`, `warmup`, `evaluations` and `about`. The loss is cross entropy, the metric the error in percent.

Examples:
    A file `mine.py`, compared by `glidepath compare --task mine:moons`::

        class moons:
            peak_rate, budget = 0.1, 500

            def data():
                return train, validation, test  # each (inputs, labels), NumPy arrays or CPU tensors

            def model():
                return torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from ...core import Checks, GlidepathError, Problem, refuse, shown
from ..plain import from_pydantic
from .declared import ERROR, Own, Sgd, Task

if TYPE_CHECKING:
    from torch import nn

    from .data import Examples

_OPTIONAL = ("about", "batch", "evaluations", "optimizer", "peak_rate", "budget", "warmup")


def own_task(place: str) -> Task:
    """The declaration of a user's task. Imports its module, which runs it; the functions are not called.

    Args:
        place: `module:object`. The module is looked for where Python looks, then in the current folder.

    Returns:
        A task named after the place, with SGD, batches of 32, peak rate 0.1 and 1000 updates where the object says
        nothing else.

    Raises:
        GlidepathError: If there is no such object, it lacks a function, or a setting breaks the rule of `Task`.
    """
    found, digest = _object(place)
    wrong = [name for name in ("data", "model") if not callable(getattr(found, name, None))]
    refuse(Problem(f"task {place}", name, "a function without arguments", _seen(found, name)) for name in wrong)
    settings: dict[str, Any] = {"optimizer": Sgd(), "peak_rate": 0.1, "budget": 1000}
    settings |= {name: getattr(found, name) for name in _OPTIONAL if hasattr(found, name)}
    own = Own(place=place, sha256=digest)
    try:
        return Task(name=place, data=own, model=own, metric=ERROR, **settings)
    except ValidationError as error:
        raise from_pydantic(f"task {place}", error) from None


def own_data(declared: Own) -> Examples:
    """The arrays that a user's `data()` gives, checked.

    Args:
        declared: Where the object is.

    Raises:
        GlidepathError: If they are not three pairs of finite inputs and class numbers of one shape, or if the module's
            file has changed since the task was declared; all problems in one message.
    """
    from .data import Examples

    made, checks = _same_object(declared).data(), Checks(f"task {declared.place}")
    given = made if isinstance(made, tuple | list) else ()
    pairs = [part for part in given if isinstance(part, tuple | list) and len(part) == 2]
    if len(pairs) != 3 or len(given) != 3:
        rule = "(train, validation, test), each a pair (inputs, labels)"
        raise GlidepathError.of(checks.where, "data()", rule, type(made).__name__)
    parts = [(np.asarray(inputs), np.asarray(labels)) for inputs, labels in pairs]
    shape = parts[0][0].shape[1:]
    for name, (inputs, labels) in zip(("train", "validation", "test"), parts, strict=True):
        found: list[tuple[str, str, str]] = []
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
            told = f"{labels.dtype} of shape {labels.shape}"
            found.append(("labels", "one class number, at least 0, an example", told))
        if inputs.ndim < 2 or inputs.shape[1:] != shape or len(inputs) != len(labels):
            rule = f"as many as labels ({len(labels) if labels.ndim else 0}), each of shape {shape}"
            found.append(("inputs", rule, f"shape {inputs.shape}"))
        if inputs.dtype.kind not in "fiub" or not np.isfinite(inputs).all():
            found.append(("inputs", "finite numbers", f"{inputs.dtype} with others"))
        checks.problems += [Problem(checks.where, f"{name} {what}", rule, got) for what, rule, got in found]
    checks.done()
    whole = [(np.ascontiguousarray(x, dtype=np.float32), np.ascontiguousarray(y, dtype=np.int64)) for x, y in parts]
    digest = hashlib.sha256(b"".join(f"{x.shape}".encode() + x.tobytes() + y.tobytes() for x, y in whole))
    train, validation, test = whole
    return Examples(train, validation, test, 1 + int(max(labels.max() for _, labels in whole)), digest.hexdigest())


def own_model(declared: Own, data: Examples) -> nn.Module:
    """The network that a user's `model()` gives, tried on two examples.

    Args:
        declared: Where the object is.
        data: What it will see.

    Raises:
        GlidepathError: If it is no torch module, does not take the examples, or gives something else than one logit a class.
    """
    import torch

    where, made = f"task {declared.place}", _same_object(declared).model()
    if not isinstance(made, torch.nn.Module):
        raise GlidepathError.of(where, "model()", "a torch.nn.Module", type(made).__name__)
    inputs = torch.from_numpy(data.train[0][:2])
    made.eval()
    try:
        with torch.no_grad():
            out = made(inputs)
    except Exception as error:
        rule = f"a module that takes inputs of shape {tuple(inputs.shape)}, two examples"
        raise GlidepathError.worded(where, "model()", rule, f"{type(error).__name__}: {error}"[:200]) from error
    made.train()
    shape, wanted = tuple(getattr(out, "shape", ())) or type(out).__name__, (len(inputs), data.classes)
    if shape != wanted:
        rule = f"a module that gives logits of shape {wanted} for two examples"
        raise GlidepathError.of(where, "model()", rule, shape)
    return made


def _object(place: str) -> tuple[Any, str]:
    where = f"task {shown(place)}"
    name, _, attribute = place.partition(":")
    if not all(part.isidentifier() for part in (*name.split("."), *attribute.split("."))):
        raise GlidepathError.of("lab", "task", "module:object", place)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last: a file here never stands in front of an installed module
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError)
        got = str(error) if missing else f"{type(error).__name__}: {error}"
        remedy = f"looked in Python's path and in {here}" if missing else ""
        raise GlidepathError.of(where, "module", "one that can be imported", got, remedy) from error
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise GlidepathError.of(where, "object", f"in the module {name}", attribute)
        found = getattr(found, part)
    file = Path(getattr(module, "__file__", None) or "")
    return found, hashlib.sha256(file.read_bytes() if file.is_file() else name.encode()).hexdigest()


def _same_object(declared: Own) -> Any:
    found, digest = _object(declared.place)
    if digest != declared.sha256:
        rule, remedy = f"as it was declared (sha256 {declared.sha256[:12]})", "give the same command again"
        raise GlidepathError.of(f"task {declared.place}", "module", rule, digest[:12], remedy)
    return found


def _seen(found: object, name: str) -> str:
    return shown(getattr(found, name)) if hasattr(found, name) else "nothing of that name"
