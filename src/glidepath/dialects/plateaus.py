"""The classes of other libraries that follow a metric, as controllers of `feedback`: found by name, driven where somebody measures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core import GlidepathError
from ..feedback import Controller, KerasPlateau, OneFlowPlateau, PaddlePlateau, PyTorchPlateau
from .converting import is_ours
from .rows_strings import PLATEAUS
from .snippets import chosen, mentioned, read_calls
from .table import CallSite, Dialect


def _patient(kind: type[Any]) -> Any:
    def make(a: Any) -> Any:
        relative = "relative" if a.threshold_mode == "rel" else "absolute"
        smallest, own = getattr(a, "eps", getattr(a, "epsilon", 0.0)), (a.patience, a.threshold, a.cooldown)
        return kind(a.lr, a.factor, *own, a.min_lr, a.mode, relative=relative, smallest=smallest)

    return make


def _keras(a: Any) -> Any:
    least = a.min_delta if a.epsilon is None else a.epsilon
    return KerasPlateau(a.lr, a.factor, a.patience, least, a.cooldown, a.min_lr, "max" if a.mode == "max" else "min")


_PATIENT = {"pytorch": PyTorchPlateau, "oneflow": OneFlowPlateau, "paddle": PaddlePlateau}
_MAKERS = {"keras": _keras, **{name: _patient(kind) for name, kind in _PATIENT.items()}}
_LIBRARIES: dict[str, Dialect] = {}
for _library, (_text, _about) in PLATEAUS.items():
    _LIBRARIES[_library] = Dialect(_library, base="learning_rate" if _library == "paddle" else "")
    _LIBRARIES[_library].row(_text, _about, _MAKERS[_library])


def plateau_of(text: str, rate: float = 0.1, framework: str | None = None) -> Controller | None:
    """Returns the controller that a call of a library's plateau class stands for, or our own word for one; None for anything else.

    Args:
        text: Such as `ReduceLROnPlateau(optimizer, factor=0.5, patience=3)` or `plateau(factor=0.5)`.
        rate: The optimizer's rate, in whose unit the floor is given.
        framework: The library, where the text does not say it.

    Raises:
        GlidepathError: With every problem found in the arguments.

    Examples:
        >>> plateau_of("torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)").patience
        3
    """
    if text.partition("(")[0].strip() in Controller.registry:
        return Controller.of(text)
    if is_ours(text) or "Plateau" not in text or not mentioned(text):
        return None
    found = chosen(read_calls(text, framework), None)
    name, refused = found.call.name.rpartition(".")[2], list[GlidepathError]()
    first = found.library.framework
    for library in dict.fromkeys((first, *(_LIBRARIES if "." not in found.call.name else ()))):
        language = _LIBRARIES.get(library)
        if language is None or not language.find(name):
            continue
        try:
            return language.inside(CallSite(language, name, rate), replace(found.call, name=name))  # type: ignore[return-value]
        except GlidepathError as error:
            refused.append(error)
    if refused:  # by the library that has all of the arguments
        raise min(refused, key=lambda error: sum("one of its arguments" in problem.rule for problem in error.problems))
    return None
