"""The drop-in classes of one schedule each, and the one that follows a metric: PyTorch's own, on our mechanism, with what is mended.

Over 400 lines: one class after another under the names of PyTorch, each its quirks and what it documents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from torch.optim import Optimizer, swa_utils
from torch.optim import lr_scheduler as torchs

from ...core import Checks, GlidepathError
from ...core.fields import Check, choice, integer, real
from ..rows import Values, plain
from .base import DropIn, unpacked
from .making import Made

__all__ = [
    "SWALR",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "StepLR",
]

_PLATEAU: dict[str, Check] = {
    "mode": choice("min", "max"),
    "threshold_mode": choice("rel", "abs"),
    "factor": real(0, below=1),
    **dict.fromkeys(("patience", "cooldown"), integer(0)),
    **dict.fromkeys(("threshold", "min_lr", "eps"), real(0)),
}

# That multiply the rate they find: a hand or another scheduler may move it too


class StepLR(torchs.StepLR, DropIn):
    """One more `gamma` every `step_size` steps.

    Args:
        optimizer: Whose rates are set.
        step_size: The steps between two drops.
        gamma: What a drop multiplies the rate by.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.StepLR`, version 2.13.0.
    """


class MultiStepLR(torchs.MultiStepLR, DropIn):
    """One more `gamma` at each milestone; one that is given twice counts twice.

    Args:
        optimizer: Whose rates are set.
        milestones: The steps of the drops.
        gamma: What a drop multiplies the rate by.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.MultiStepLR`, version 2.13.0.
    """


class ConstantLR(torchs.ConstantLR, DropIn):
    """`factor` for `total_iters` steps, then the whole rate.

    Args:
        optimizer: Whose rates are set.
        factor: What the rate is multiplied by at first, from 0 to 1.
        total_iters: For how many steps; 0 leaves the rate as it is.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.ConstantLR`, version 2.13.0.
    """

    joins_at_base: ClassVar[bool] = True

    def _checked(self, arguments: dict[str, Any]) -> None:
        super()._checked({name: value or 1 for name, value in arguments.items()})

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        return {"factor": 1.0} if self.total_iters == 0 else {} if self.factor == 0 else None

    def _next(self, groups: Any, current: Values, last: Any, at: Any) -> Values:
        if self.factor == 0 and at == self.total_iters:
            return self._on_curve(groups, current, at)
        return super()._next(groups, current, last, at)


class LinearLR(torchs.LinearLR, DropIn):
    """A straight line from one factor to another.

    Args:
        optimizer: Whose rates are set.
        start_factor: The factor of the first step, above 0 and at most 1.
        end_factor: The factor from step `total_iters` on, from 0 to 1.
        total_iters: The steps between them; with 0 the rate has `end_factor` at once.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.LinearLR`, version 2.13.0.
    """

    joins_at_base: ClassVar[bool] = True

    def _checked(self, arguments: dict[str, Any]) -> None:
        super()._checked({**arguments, "total_iters": arguments.get("total_iters", 5) or 1})

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        return {"start_factor": self.end_factor, "total_iters": 1} if self.total_iters == 0 else None


class ExponentialLR(torchs.ExponentialLR, DropIn):
    """One more `gamma` every step.

    Args:
        optimizer: Whose rates are set.
        gamma: What a step multiplies the rate by.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.ExponentialLR`, version 2.13.0.
    """


class PolynomialLR(torchs.PolynomialLR, DropIn):
    """A power of what is left of `total_iters` steps.

    Args:
        optimizer: Whose rates are set.
        total_iters: The steps down to 0.
        power: The power, from 0 on.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.PolynomialLR`, version 2.13.0.
    """

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        return {"_is_initial": True} if at == 0 else None


class CosineAnnealingLR(torchs.CosineAnnealingLR, DropIn):
    """Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on.

    Args:
        optimizer: Whose rates are set.
        T_max: The steps down.
        eta_min: The lowest rate, of every group.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.CosineAnnealingLR`, version 2.13.0.
    """


class SWALR(swa_utils.SWALR, DropIn):
    """From the rate it finds to `swa_lr`, then there.

    Args:
        optimizer: Whose rates are set.
        swa_lr: The last rate, one or one for each group.
        anneal_epochs: The steps there; 0 goes there at once.
        anneal_strategy: `cos` or `linear`.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.swa_utils.SWALR`, version 2.13.0.
    """

    lists: ClassVar[frozenset[str]] = frozenset({"swa_lr"})
    unsaved: ClassVar[frozenset[str]] = frozenset({"anneal_func"})

    def _alpha(self, step: Any) -> float:
        """Returns the share of the way to `swa_lr` that is gone at a step."""
        return self.anneal_func(max(0, min(1, step / self.anneal_epochs)) if self.anneal_epochs else int(step >= 0))

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        if self._step_count == at + 1 and last == at - 1:
            return None
        shares = iter((self._alpha(last), self._alpha(at)))  # PyTorch counts calls
        return {"anneal_func": lambda _: next(shares)}

    def _on_curve(self, groups: Any, current: Values, at: Any, **more: Any) -> Any:
        view: dict[str, Any] = {"base_lrs": self.base_lrs}
        self._stack(view, groups, current)
        share, end, (base,) = self._alpha(at), view["optimizer"].param_groups[0]["swa_lr"], view["base_lrs"]
        return unpacked([end * share + base * (1 - share)])

    def _join(self, group: dict[str, Any]) -> None:
        group.setdefault("swa_lr", self.optimizer.param_groups[0]["swa_lr"])

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        self._set_anneal_func(self._anneal_strategy)  # pyright: ignore[reportArgumentType]


# That follow functions of the step, and warm restarts


def functions_of(optimizer: Any, given: Any) -> list[Callable[[Any], Any]]:
    """Returns one function for each group.

    Raises:
        TypeError: If the optimizer is none or a function is none.
        GlidepathError: If there are not as many as groups.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    groups = len(optimizer.param_groups)
    functions = list(given) if isinstance(given, list | tuple) else [given] * groups
    for fn in functions:
        if not callable(fn):
            raise TypeError(f"lr_lambda should be a function, but got {type(fn).__name__}")
    if len(functions) != groups:
        rule = f"one function or {groups} of them"
        raise GlidepathError.of("lr_scheduler", "lr_lambda", rule, f"{len(functions)} of them")
    return functions


def shared(functions: list[Callable[[Any], Any]]) -> bool:
    """Returns whether all groups have the same function."""
    return bool(functions) and functions.count(functions[0]) == len(functions)


class OfFunctions(DropIn):
    """What has a function of the step for each group; one that all share is called once a step."""

    per_group: ClassVar[tuple[str, ...]] = ("lr_lambdas",)
    functions: ClassVar[str] = "lr_lambdas"
    lr_lambdas: list[Callable[[Any], Any]]

    def _refuse(self, optimizer: Optimizer, arguments: dict[str, Any]) -> None:
        functions_of(optimizer, arguments["lr_lambda"])

    def _directly(self) -> list[float]:
        state = self.__dict__
        functions = state["lr_lambdas"]
        if len(functions) == 1 or not shared(functions):
            return DropIn._directly(self)
        value = float(functions[0](state["last_epoch"]))
        state["lr_lambdas"] = [lambda _: value] * len(functions)
        try:
            return DropIn._directly(self)
        finally:
            state["lr_lambdas"] = functions

    def _stack(self, view: dict[str, Any], groups: Sequence[dict[str, Any]], current: Values) -> None:
        functions = view.pop("lr_lambdas")
        if shared(functions):
            super()._stack(view, groups, current)
            functions = functions[:1]
        else:
            view["optimizer"] = SimpleNamespace(param_groups=[{"lr": rate} for rate in current])
            view["base_lrs"] = plain(self.base_lrs)
        view["lr_lambdas"] = [lambda step, fn=fn: float(fn(step)) for fn in functions]


class LambdaLR(torchs.LambdaLR, OfFunctions):
    """The base rate times a function of the step.

    Args:
        optimizer: Whose rates are set.
        lr_lambda: A function of the step, or one for each group; one that several groups share is called once a step.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        TypeError: If one is no function.
        ValueError: If there are not as many as groups.

    Source:
        `torch.optim.lr_scheduler.LambdaLR`, version 2.13.0.
    """

    relative: ClassVar[bool] = False


class MultiplicativeLR(torchs.MultiplicativeLR, OfFunctions):
    """The rate it finds times a function of the step, every step but the first.

    Args:
        optimizer: Whose rates are set.
        lr_lambda: A function of the step, or one for each group.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        TypeError: If one is no function.
        ValueError: If there are not as many as groups.

    Source:
        `torch.optim.lr_scheduler.MultiplicativeLR`, version 2.13.0.
    """


class CosineAnnealingWarmRestarts(torchs.CosineAnnealingWarmRestarts, DropIn):
    """Half a cosine again and again, each `T_mult` times as long.

    Args:
        optimizer: Whose rates are set.
        T_0: The steps of the first one.
        T_mult: How many times as long the next one is.
        eta_min: The lowest rate, of every group.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`, version 2.13.0.
    """

    relative: ClassVar[bool] = False
    whole: ClassVar[frozenset[str]] = frozenset({"T_0", "T_mult"})

    def step(self, epoch: float | None = None) -> None:
        """Takes a step, or goes to an epoch, which need not be whole.

        Args:
            epoch: The epoch to go to, from 0 on.

        Raises:
            GlidepathError: If the epoch is below 0 or no number.
        """
        last = self.last_epoch
        if epoch is None and (last < 0 or self._is_initial):
            epoch = max(last + 1, 0)  # a new run, or one that is resumed
        if epoch is None:
            self.T_cur = self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
            super()._update_lr()
            return
        if not epoch >= 0:
            raise GlidepathError.of("CosineAnnealingWarmRestarts", "epoch", "a number from 0 on", epoch)
        length, begun = self.T_0, 0
        if self.T_mult == 1:
            begun = int(epoch // length) * length
        else:  # by comparison: a rounded logarithm would miss restarts
            while epoch - begun >= length:
                begun, length = begun + length, length * self.T_mult
        self.T_i, self.T_cur = length, epoch - begun
        self._move(last, math.floor(epoch))


# That go up and down and overwrite the rate they find, with a momentum that moves against it


class Cycling(DropIn):
    """What CyclicLR and OneCycleLR do alike: a momentum, or the first beta, that moves against the rate."""

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
        moved = (group["betas"][0] if self.use_beta1 else group["momentum"] for group in groups if self.cycle_momentum)
        return super()._few(groups) and not any(isinstance(value, torch.Tensor) for value in moved)

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

    per_group: ClassVar[tuple[str, ...]] = ("max_lrs", "base_momentums", "max_momentums")
    functions: ClassVar[str] = "_scale_fn_custom"
    unsaved: ClassVar[frozenset[str]] = frozenset({"_scale_fn_ref"})

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


# That follows a metric


class ReduceLROnPlateau(Made, torchs.ReduceLROnPlateau):
    """Cuts the rates once a metric has not improved for more than `patience` calls in a row.

    Args:
        optimizer: Whose rates are set.
        mode: `min` where lower is better, or `max`.
        factor: What a cut multiplies the rates by, from 0 on and below 1.
        patience: The calls without improvement that are tolerated.
        threshold: How much better a metric must be.
        threshold_mode: Whether the threshold is relative (`rel`) or absolute (`abs`).
        cooldown: The calls after a cut that are not counted.
        min_lr: The lowest rate, one or one for each group.
        eps: A cut of at most so much is not made.

    Raises:
        TypeError: If the optimizer is none.
        ValueError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.ReduceLROnPlateau`, version 2.13.0.
    """

    __slots__ = ("_seen",)
    _digits: ClassVar[str] = "05d"  # as PyTorch's `verbose` printed an epoch
    _seen: tuple[list[Any], list[Any]]  # a parameter of each group, and the floors, in the order of the last cut

    def _refuse(self, optimizer: Optimizer, arguments: dict[str, Any]) -> None:
        checks, groups = Checks(f"{self.library} ReduceLROnPlateau"), len(optimizer.param_groups)
        for name in filter(_PLATEAU.__contains__, arguments):
            given = arguments[name]
            if name == "min_lr" and isinstance(given, list):
                if len(given) != groups:
                    checks.refuse(name, f"one rate or {groups} of them", given)
                for i, floor in enumerate(given):
                    checks.real(f"min_lr[{i}]", floor, 0)
            else:
                checks.take(name, given, _PLATEAU[name])
        checks.done()

    def _names(self) -> set[str]:
        return {"num_bad_epochs"}

    def _begun(self, arguments: dict[str, Any]) -> None:
        self._seen = self._now()

    def _tell(self, epoch: Any) -> None:
        """Prints nothing: only cuts are printed."""

    def _now(self) -> tuple[list[Any], list[Any]]:
        heads = [group["params"][0] if group["params"] else None for group in self.optimizer.param_groups]
        return heads, list(self.min_lrs)

    def _reduce_lr(self, epoch: Any) -> None:
        """Cuts the rates, each floor having followed its group; floors that were assigned since stay where they are."""
        before = [plain(group["lr"]) for group in self.optimizer.param_groups] if self.verbose else []
        known, floors = self._seen
        if self.default_min_lr is None and floors == self.min_lrs:
            kept, heads = dict(zip(map(id, known), floors, strict=False)), [*map(id, self._now()[0])]
            if kept.keys() >= {*heads}:
                self.min_lrs = [kept[head] for head in heads]
        self._seen = self._now()
        super()._reduce_lr(epoch)
        for i, old in enumerate(before):
            rate = plain(self.optimizer.param_groups[i]["lr"])
            if rate != old:
                when = format(epoch, ".2f" if isinstance(epoch, float) else self._digits)
                print(f"Epoch {when}: reducing learning rate of group {i} to {rate:.4e}.")  # noqa: T201

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        self._init_is_better(self.mode, self.threshold, self.threshold_mode)
        self._seen = self._now()
