"""The drop-in classes broken, each in every way that matters: a live class is changed, whatever its text. `tests/mutate.py` runs them."""

import copy
import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch

from glidepath.torch import lr_scheduler as ours

TESTS = ("mended", "mended_rows", "composites", "relied_on", "machine")
OPTIONS = ("-k", "not points_at_the_caller")  # a method that is wrapped is one call further away
LATE = 97
# What a state has beside the configuration.
PROGRESS = {"last_epoch", "base_lrs", "optimizer", "T_cur", "T_i", "best", "cooldown_counter", "num_bad_epochs"}
Way = Callable[[type[Any]], None]


def before(kind: type[Any], name: str, change: Callable[..., Any]) -> None:
    """Replaces a method by one that is given the old one first."""
    old = getattr(kind, name)

    @functools.wraps(old)
    def method(self: Any, *args: Any, **named: Any) -> Any:
        return change(functools.partial(old, self), self, *args, **named)

    setattr(kind, name, method)


def nothing(kind: type[Any]) -> None:
    """The control: wrapped and not broken, it must pass."""
    for name in ("step", "load_state_dict", "state_dict"):
        before(kind, name, lambda old, self, *args, **named: old(*args, **named))


def value_at_a_late_step(kind: type[Any]) -> None:
    taken: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def change(old: Any, self: Any, *args: Any) -> None:
        old(*args)
        taken[self] = taken.get(self, -1) + 1
        if taken[self] == LATE:
            group = self.optimizer.param_groups[0]
            group["lr"] = group["lr"] * (1 + 1e-7)

    before(kind, "step", change)


def tensor_turned_into_a_float(kind: type[Any]) -> None:
    def change(old: Any, self: Any, *args: Any) -> None:
        old(*args)
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"] = float(group["lr"])

    before(kind, "step", change)


def last_epoch_ignored(kind: type[Any]) -> None:
    signature = inspect.signature(kind.__init__)

    def begin(old: Any, self: Any, *args: Any, **named: Any) -> None:
        given = signature.bind(self, *args, **named)
        if "last_epoch" in given.arguments:
            given.arguments["last_epoch"] = -1
        old(*given.args[1:], **given.kwargs)

    if "last_epoch" in signature.parameters:
        before(kind, "__init__", begin)
    else:
        last_epoch_of_the_state_ignored(kind)


def last_epoch_of_the_state_ignored(kind: type[Any]) -> None:
    def change(old: Any, self: Any, state: Any) -> None:
        parts = [part for part in parts_of(self) if hasattr(part, "last_epoch")]
        found = [part.last_epoch for part in parts]
        old(state)
        for part, epoch in zip(parts, found, strict=True):
            part.last_epoch = epoch

    before(kind, "load_state_dict", change)


def epoch_ignored(kind: type[Any]) -> None:
    metrics = 1 if kind is ours.ReduceLROnPlateau else 0
    before(kind, "step", lambda old, self, *args: old(*args[:metrics]))


def state_without_configuration(kind: type[Any]) -> None:
    def without(part: Any, state: dict[str, Any]) -> dict[str, Any]:
        kept = {
            name: value
            for name, value in state.items()
            if name in PROGRESS or name.startswith("_last") or name == "_step_count"
        }
        children = [
            without(*pair) for pair in zip(getattr(part, "_schedulers", ()), state.get("_schedulers", ()), strict=True)
        ]
        return {**kept, **({"_schedulers": children} if children else {})}

    before(kind, "state_dict", lambda old, self: without(self, old()))


def configuration_of_the_state_ignored(kind: type[Any]) -> None:
    def configured(name: str) -> bool:
        own = ("_milestones", "_anneal_func_type", "_anneal_strategy", "_schedule_phases", "_scale_fn_custom")
        return name not in PROGRESS and (not name.startswith("_") or name in own)

    def change(old: Any, self: Any, state: Any) -> None:
        parts = parts_of(self)
        found = [{n: copy.deepcopy(v) for n, v in part.__dict__.items() if configured(n)} for part in parts]
        old(state)
        for part, attributes in zip(parts, found, strict=True):
            for name, value in attributes.items():
                setattr(part, name, value)

    before(kind, "load_state_dict", change)


def reference_cycle(kind: type[Any]) -> None:
    def begin(old: Any, self: Any, *args: Any, **named: Any) -> None:
        old(*args, **named)
        self.optimizer.register_step_post_hook(lambda *call, held=self: None)

    before(kind, "__init__", begin)


def suppressed(*words: str, method: str = "step") -> Way:
    def way(kind: type[Any]) -> None:
        def change(old: Any, self: Any, *args: Any, **named: Any) -> Any:
            with warnings.catch_warnings():
                for word in words:
                    warnings.filterwarnings("ignore", message=f".*{word}")
                return old(*args, **named)

        before(kind, method, change)

    return way


def swallowed(method: str, *errors: type[Exception]) -> Way:
    def way(kind: type[Any]) -> None:
        def change(old: Any, self: Any, *args: Any, **named: Any) -> Any:
            try:
                return old(*args, **named)
            except errors:
                return None

        before(kind, method, change)

    return way


def parts_of(scheduler: Any) -> list[Any]:
    """Returns a scheduler and all inside it."""
    return [scheduler, *(part for child in getattr(scheduler, "_schedulers", ()) for part in parts_of(child))]


WAYS: dict[str, Way] = {
    "control": nothing,
    "late value": value_at_a_late_step,
    "tensor to float": tensor_turned_into_a_float,
    "last_epoch": last_epoch_ignored,
    "epoch": epoch_ignored,
    "state saved": state_without_configuration,
    "state loaded": configuration_of_the_state_ignored,
    "cycle": reference_cycle,
    "order warning": suppressed("Detected call"),
    "override warning": suppressed("Seems like"),
    "epoch warning": suppressed("The epoch parameter"),
    "get_lr warning": suppressed("To get the last learning rate", method="get_lr"),
    "validation": swallowed("__init__", ValueError, TypeError),
    "initial_lr": swallowed("__init__", KeyError),
    "state checked": swallowed("load_state_dict", ValueError),
}
CLASSES = [name for name in ours.__all__ if name != "LRScheduler"]
_WITHOUT: dict[str, set[str]] = {  # what torch's class has not either
    "SequentialLR": {"epoch", "epoch warning", "get_lr warning", "initial_lr"},
    "ChainedScheduler": {"epoch", "epoch warning", "get_lr warning", "initial_lr"},
    "ReduceLROnPlateau": {"order warning", "override warning", "get_lr warning", "initial_lr"},
    "CosineAnnealingWarmRestarts": {"order warning", "override warning", "epoch warning"},
    "SWALR": {"epoch"},
}
MUTATIONS = [("all", "control")] + [
    (name, way) for way in WAYS if way != "control" for name in CLASSES if way not in _WITHOUT.get(name, ())
]


def broken(name: str, way: str) -> None:
    """Breaks a class in this process."""
    WAYS[way](getattr(ours, name))
