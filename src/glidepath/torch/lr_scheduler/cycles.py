"""Drop-ins that go up and down and overwrite the rate they find, with a momentum that moves against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch.optim import Optimizer
from torch.optim import lr_scheduler as torchs

from ...core.errors import GlidepathError
from ..rows import Values, plain
from .base import Scheduler, unpacked

__all__ = ["CyclicLR", "OneCycleLR"]


class Cycling(Scheduler):
    """What CyclicLR and OneCycleLR do alike: a momentum, or the first beta, that moves against the rate."""

    __slots__ = ()
    relative: ClassVar[bool] = False
    lists: ClassVar[frozenset[str]] = frozenset({"base_lr", "max_lr", "base_momentum", "max_momentum"})
    cycle_momentum: bool
    use_beta1: bool

    def _refuse(self, optimizer: Optimizer, arguments: dict[str, Any]) -> None:
        super()._refuse(optimizer, arguments)
        if arguments.get("cycle_momentum", True) and not {"momentum", "betas"} & optimizer.defaults.keys():
            rule = "False for an optimizer without momentum or beta1"
            raise GlidepathError.of(type(self).__name__, "cycle_momentum", rule, True)

    def _few(self, groups: Sequence[Any]) -> bool:
        if not super()._few(groups) or not self.cycle_momentum:
            return super()._few(groups)
        moved = (group["betas"][0] if self.use_beta1 else group["momentum"] for group in groups)
        return not any(isinstance(value, torch.Tensor) for value in moved)

    def _stack(self, view: dict[str, Any], groups: Sequence[dict[str, Any]], current: Values) -> None:
        super()._stack(view, groups, current)
        view["optimizer"].param_groups[0]["betas"] = ()

    def _written(self, view: Any, groups: Sequence[dict[str, Any]]) -> None:
        if not self.cycle_momentum:
            return
        one = view.optimizer.param_groups[0]
        beta, key = self.use_beta1, "betas" if self.use_beta1 else "momentum"
        for group, value in zip(groups, unpacked([one["betas"][0] if beta else one["momentum"]]).tolist(), strict=True):
            held = group[key]
            if type(held) is float:
                group[key] = value
            elif isinstance(held[0] if beta else held, torch.Tensor):
                (held[0] if beta else held).fill_(value)
            else:
                group[key] = (value, *held[1:]) if beta else value

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        if self.last_epoch >= 0 and self.cycle_momentum:
            self._next(groups, self._read(groups), self.last_epoch - 1, self.last_epoch)


class CyclicLR(torchs.CyclicLR, Cycling):
    """A triangular wave, its height constant, halved every cycle, falling with the step, or a function's.

    Args:
        optimizer: Whose rates are set.
        base_lr: The lower end, one or one for each group.
        max_lr: The upper end, one or one for each group.
        step_size_up: The steps up.
        step_size_down: The steps down; as many as up if None.
        mode: `triangular`, `triangular2` or `exp_range`.
        gamma: What `exp_range` multiplies the height by every step.
        scale_fn: A function of the cycle or the step that gives the height instead of the mode.
        scale_mode: `cycle` or `iterations`: what the function is given.
        cycle_momentum: Whether the momentum, or beta1, moves against the rate.
        base_momentum: The momentum at the upper end, one or one for each group.
        max_momentum: The momentum at the lower end, one or one for each group.
        last_epoch: The index of the last step, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.CyclicLR`, version 2.13.0.
    """

    __slots__ = ()
    per_group: ClassVar[tuple[str, ...]] = ("max_lrs", "base_momentums", "max_momentums")
    functions: ClassVar[str] = "_scale_fn_custom"
    unsaved: ClassVar[frozenset[str]] = frozenset({"optimizer", "_scale_fn_ref"})

    def _checked(self, arguments: dict[str, Any]) -> None:
        custom, mode = arguments.get("scale_fn"), arguments.get("scale_mode", "cycle")
        if custom is not None and mode not in ("cycle", "iterations"):
            raise GlidepathError.of("CyclicLR", "scale_mode", "'cycle' or 'iterations'", mode)
        super()._checked({**arguments, "scale_fn": None, **({} if custom is None else {"mode": "triangular"})})

    def _begun(self, arguments: dict[str, Any]) -> None:
        """Writes the rates of the present step once more, from the lower end that was given, not from an earlier scheduler's."""
        self._move(self.last_epoch - 1, self.last_epoch)

    def _new_item(self, name: str, items: list[Any], group: dict[str, Any]) -> Any:
        if name == "base_lrs":
            group.setdefault("initial_lr", plain(group["lr"]))
        return items[0]

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        self._init_scale_fn()
        super()._restored(state, groups)


class OneCycleLR(torchs.OneCycleLR, Cycling):
    """Up to `max_lr` and far down again, held from step `total_steps - 1` on.

    Args:
        optimizer: Whose rates are set.
        max_lr: The peak, one or one for each group.
        total_steps: How many steps there are.
        epochs: How many epochs there are, in place of `total_steps`.
        steps_per_epoch: How many steps each epoch has.
        pct_start: The share of the steps up.
        anneal_strategy: `cos` or `linear`.
        cycle_momentum: Whether the momentum, or beta1, moves against the rate.
        base_momentum: The momentum at the peak, one or one for each group.
        max_momentum: The momentum at the ends, one or one for each group.
        div_factor: The peak divided by the first rate.
        final_div_factor: The first rate divided by the last one.
        three_phase: Whether to come down to the first rate as fast as up, and then to the last one.
        last_epoch: The index of the last step, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable, and at a step after `total_steps`.

    Source:
        `torch.optim.lr_scheduler.OneCycleLR`, version 2.13.0.
    """

    __slots__ = ()
    whole: ClassVar[frozenset[str]] = frozenset({"total_steps", "epochs", "steps_per_epoch"})

    def _checked(self, arguments: dict[str, Any]) -> None:
        total = arguments.get("total_steps") or (arguments.get("epochs") or 0) * (arguments.get("steps_per_epoch") or 0)
        share = arguments.get("pct_start", 0.3)
        if isinstance(share, float) and share * total == 1:  # the first phase has no length
            arguments = {**arguments, "pct_start": 0.0}
        super()._checked(arguments)

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        if at > self.total_steps:
            rule = f"taken at most {self.total_steps} times (total_steps)"
            raise GlidepathError.of("OneCycleLR", "step", rule, at)
        phases = self._schedule_phases
        if phases[0]["end_step"] == 0:
            return {"_schedule_phases": phases[1:], "last_epoch": max(0, min(at, self.total_steps - 1))}
        return {"last_epoch": at - 1} if at == self.total_steps else None

    def _join(self, group: dict[str, Any]) -> None:
        other = self.optimizer.param_groups[0]
        peak, top = plain(group["lr"]), plain(other["max_lr"])
        first, end = (peak * (plain(other[name]) / top) for name in ("initial_lr", "min_lr"))
        group["initial_lr"], group["max_lr"], group["min_lr"] = first, peak, end
        if self.cycle_momentum:
            group["max_momentum"], group["base_momentum"] = other["max_momentum"], other["base_momentum"]

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        old = self.__dict__.pop("anneal_func", None)  # before PyTorch 2.3
        if old is not None and "_anneal_func_type" not in state:
            self._anneal_func_type = "linear" if "linear" in getattr(old, "__name__", "") else "cos"
        super()._restored(state, groups)
