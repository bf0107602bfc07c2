"""Drop-ins that go up and down and overwrite the rate they find, with a momentum that moves against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, ClassVar

import torch
from torch.optim import Optimizer
from torch.optim import lr_scheduler as torchs

from ...core.errors import GlidepathError
from ...core.segments import Exponential, Hold, Step
from ...dialects import load
from ...dialects.pieces import one_cycle
from .base import Scheduler, unit
from .lanes import Rates, between
from .tensors import plain

__all__ = ["CyclicLR", "OneCycleLR"]


class _Cycling(Scheduler):
    """What CyclicLR and OneCycleLR do alike: a momentum, or the first beta, that moves against the rate."""

    __slots__ = ()
    relative: ClassVar[bool] = False
    cycle_momentum: bool
    use_beta1: bool

    def _begin_momentum(self, optimizer: Optimizer, least: Any, most: Any, fresh: bool) -> None:
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            rule = "False for an optimizer without momentum or beta1"
            raise GlidepathError.of(type(self).__name__, "cycle_momentum", rule, self.cycle_momentum)
        self.use_beta1 = "betas" in optimizer.defaults
        if fresh:
            for group, low, high in zip(optimizer.param_groups, least, most, strict=True):
                group["max_momentum"], group["base_momentum"] = high, low
                self._set_momentum(group, high)

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            first = group["betas"][0]
            if isinstance(first, torch.Tensor):
                first.fill_(value)
            else:
                group["betas"] = (value, *group["betas"][1:])
        elif isinstance(group["momentum"], torch.Tensor):
            group["momentum"].fill_(value)
        else:
            group["momentum"] = value

    def _momenta(self) -> Rates:
        """Returns the quick way from a weight to the momenta."""
        raise NotImplementedError

    def _companions(self, weight: float) -> None:
        state = self.__dict__
        if not state["cycle_momentum"]:
            return
        cache = self._cache
        values = None if cache.moves is None else cache.moves(self, state, weight)
        if values is None:
            cache.moves = self._momenta()
            values = cache.moves(self, state, weight) or []
        groups = state["optimizer"].param_groups
        if state["use_beta1"] or len(groups) != 1 or type(groups[0]["momentum"]) is not float:
            self._write_momenta(values)
        else:
            groups[0]["momentum"] = values[0]

    def _write_momenta(self, values: Sequence[float]) -> None:
        groups = self.optimizer.param_groups
        if self.use_beta1:
            for group, value in zip(groups, values, strict=True):
                betas = group["betas"]
                if type(betas[0]) is float:
                    group["betas"] = (value, *betas[1:])
                else:
                    self._set_momentum(group, value)
            return
        for group, value in zip(groups, values, strict=True):
            if type(group["momentum"]) is float:
                group["momentum"] = value
            else:
                self._set_momentum(group, value)


def _each(where: str, optimizer: Optimizer, name: str, given: Any) -> list[float]:
    """Returns one number for each group.

    Raises:
        GlidepathError: If there are not as many as groups.
    """
    groups = len(optimizer.param_groups)
    found = list(given) if isinstance(given, list | tuple) else [given] * groups
    if len(found) != groups:
        raise GlidepathError.of(where, name, f"one number or {groups} of them", f"{len(found)} of them")
    return [plain(value) for value in found]


class CyclicLR(_Cycling, torchs.CyclicLR):
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
    live: ClassVar[frozenset[str]] = frozenset(
        {"total_size", "step_ratio", "mode", "gamma", "scale_mode", "_scale_fn_custom"}
    )
    per_group: ClassVar[tuple[str, ...]] = ("max_lrs", "base_momentums", "max_momentums")
    _functions: ClassVar[str] = "_scale_fn_custom"

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        down = step_size_up if step_size_down is None else step_size_down
        steps = {"step_size_up": step_size_up, "step_size_down": down}
        lows, highs = _each("CyclicLR", optimizer, "base_lr", base_lr), _each("CyclicLR", optimizer, "max_lr", max_lr)
        least = _each("CyclicLR", optimizer, "base_momentum", base_momentum)
        most = _each("CyclicLR", optimizer, "max_momentum", max_momentum)
        for a, b, c, d in set(zip(lows, highs, least, most, strict=True)):
            ends = {"base_lr": a, "max_lr": b, "base_momentum": c, "max_momentum": d, "gamma": gamma}
            load("pytorch", "CyclicLR", {**steps, **ends, "mode": mode if scale_fn is None else "triangular"})
        if scale_fn is not None and scale_mode not in ("cycle", "iterations"):
            raise GlidepathError.of("CyclicLR", "scale_mode", "'cycle' or 'iterations'", scale_mode)
        self.max_lrs = highs
        self.total_size = float(step_size_up) + float(down)
        self.step_ratio = float(step_size_up) / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = least, most
            self._begin_momentum(optimizer, least, most, last_epoch == -1)
        if last_epoch == -1:
            for group, low in zip(optimizer.param_groups, lows, strict=True):
                if isinstance(group["lr"], torch.Tensor):
                    group["lr"].fill_(low)
                else:
                    group["lr"] = low
        super().__init__(optimizer, last_epoch)
        self.base_lrs = list(lows)
        self._cache = type(self._cache)()
        self._place()

    def _place(self) -> None:
        """Writes the rates of the present step, from the lower end that was given, not from an earlier scheduler's."""
        self.__dict__["last_epoch"] -= 1
        self._update_lr()

    @property
    def _scale_fn_ref(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """PyTorch's own function of the mode, which code in the wild reads; there is none beside a `scale_fn` that was given."""
        if self._scale_fn_custom is not None:
            raise AttributeError("a scheduler with a scale_fn of its own has no _scale_fn_ref")
        if self.mode == "exp_range":
            return partial(self._exp_range_scale_fn, self.gamma)
        return self._triangular_scale_fn if self.mode == "triangular" else self._triangular2_scale_fn

    def scale_fn(self, x: float) -> float:
        """Returns the height of a cycle or a step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return Step(1, 0.5)(x - 1) if self.mode == "triangular2" else self._height().scalar(x)

    def _height(self) -> Any:
        return Hold() if self.gamma == 1 else Exponential(self.gamma)

    def _unit(self) -> Callable[[float], float]:
        up = round(self.step_ratio * self.total_size)
        total = round(self.total_size)
        steps = {"step_size_up": up, "step_size_down": total - up}
        custom = self._scale_fn_custom
        mode = self.mode if custom is None else "triangular"
        wave = unit("CyclicLR", base_lr=0.0, max_lr=1.0, mode=mode, gamma=self.gamma, **steps)
        if custom is None:
            return wave
        if self.scale_mode == "cycle":
            return lambda step: wave(step) * float(custom(math.floor(1 + step / total)))
        return lambda step: wave(step) * float(custom(step))

    def _highs(self) -> list[Any]:
        return self.max_lrs

    def _lows(self) -> Sequence[float] | None:
        return self.base_lrs  # type: ignore[return-value]

    def _momenta(self) -> Rates:
        most, least = attrgetter("max_momentums"), attrgetter("base_momentums")
        return between(most, least, self.max_momentums, self.base_momentums)

    def _new_item(self, name: str, items: list[Any], group: dict[str, Any]) -> Any:
        if name == "base_lrs":
            group.setdefault("initial_lr", plain(group["lr"]))
        return items[0]


class OneCycleLR(_Cycling, torchs.OneCycleLR):
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
    live: ClassVar[frozenset[str]] = frozenset({"total_steps", "_schedule_phases", "_anneal_func_type"})

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        for name, value in (("total_steps", total_steps), ("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                raise GlidepathError.of("OneCycleLR", name, "an integer from 1 on", value)
        peaks = _each("OneCycleLR", optimizer, "max_lr", max_lr)
        least = _each("OneCycleLR", optimizer, "base_momentum", base_momentum)
        most = _each("OneCycleLR", optimizer, "max_momentum", max_momentum)
        total = total_steps if total_steps is not None else (epochs or 0) * (steps_per_epoch or 0)
        share = pct_start
        if (
            isinstance(share, float) and share * total == 1
        ):  # the first phase has no length: checked as if it were not there
            share = 0.0
        given = {"total_steps": total_steps, "epochs": epochs, "steps_per_epoch": steps_per_epoch, "pct_start": share}
        more = {"anneal_strategy": anneal_strategy, "three_phase": three_phase, "cycle_momentum": cycle_momentum}
        scale = {"div_factor": div_factor, "final_div_factor": final_div_factor}
        for a, b, c in set(zip(peaks, least, most, strict=True)):
            ends = {"max_lr": a, "base_momentum": b, "max_momentum": c}
            load("pytorch", "OneCycleLR", {**given, **more, **scale, **ends})
        self.total_steps = total
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(total, pct_start, three_phase)
        if last_epoch == -1:
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                self._set_levels(group, peak, peak / div_factor, peak / div_factor / final_div_factor)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(optimizer, least, most, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def _set_levels(self, group: dict[str, Any], peak: float, first: float, last: float) -> None:
        group["initial_lr"], group["max_lr"], group["min_lr"] = first, peak, last

    def _join(self, group: dict[str, Any]) -> None:
        other = self.optimizer.param_groups[0]
        peak = plain(group["lr"])
        first = plain(other["initial_lr"]) / plain(other["max_lr"])
        last = plain(other["min_lr"]) / plain(other["max_lr"])
        self._set_levels(group, peak, peak * first, peak * last)
        if self.cycle_momentum:
            group["max_momentum"], group["base_momentum"] = other["max_momentum"], other["base_momentum"]

    def _unit(self) -> Callable[[float], float]:
        ends = [phase["end_step"] for phase in self._schedule_phases]
        total = self.total_steps
        place = one_cycle(ends, [float(i) for i in range(len(ends) + 1)], self._anneal_func_type, total - 1).scalar

        def weight(step: float) -> float:
            if step > total:
                raise GlidepathError.of("OneCycleLR", "step", f"taken at most {total} times (total_steps)", step)
            return place(step)

        return weight

    def _between(self, weight: float, highs: list[float] | None = None) -> list[float]:
        del highs
        return self._quick_rates()(self, self.__dict__, weight) or []

    def _quick_rates(self) -> Rates:
        return _mixed(self, [(phase["start_lr"], phase["end_lr"]) for phase in self._schedule_phases])

    def _momenta(self) -> Rates:
        return _mixed(self, [(phase["start_momentum"], phase["end_momentum"]) for phase in self._schedule_phases])

    def _translate(self, state: dict[str, Any]) -> None:
        old = state.pop("anneal_func", None)
        if old is not None and "_anneal_func_type" not in state:
            state["_anneal_func_type"] = "linear" if "linear" in getattr(old, "__name__", "") else "cos"


def _column(name: str) -> Callable[[Any], list[Any]]:
    """Returns what reads a number of every group."""
    return lambda scheduler: [group[name] for group in scheduler.optimizer.param_groups]


def _mixed(scheduler: OneCycleLR, phases: list[tuple[str, str]]) -> Rates:
    """Returns the quick way from a weight to a number of every group.

    Args:
        scheduler: Whose groups they are.
        phases: What the number is called at the start and at the end of each phase: phase i is from a weight of i to one of i + 1.
    """
    last = len(phases) - 1
    if len(scheduler.optimizer.param_groups) == 1:

        def one(scheduler: Any, state: dict[str, Any], weight: float) -> list[float]:
            del scheduler
            i = min(int(weight), last)
            group, (start, end), share = state["optimizer"].param_groups[0], phases[i], weight - i
            a, b = group[start], group[end]
            if type(a) is not float or type(b) is not float:
                a, b = plain(a), plain(b)
            return [b if share == 1.0 else a + (b - a) * share]

        return one
    columns = [(_column(start), _column(end)) for start, end in phases]
    ways = [between(start, end, start(scheduler), end(scheduler)) for start, end in columns]
    del scheduler  # what is returned must not hold it

    def several(scheduler: Any, state: dict[str, Any], weight: float) -> list[float] | None:
        i = min(int(weight), last)
        if weight - i != 1.0:
            return ways[i](scheduler, state, weight - i)
        return [plain(end) for end in columns[i][1](scheduler)]

    return several


def _phases(total: int, share: float, three: bool) -> Any:
    """Returns PyTorch's description of the phases, which its states hold."""

    def phase(end: float, start_lr: str, end_lr: str, start: str, stop: str) -> dict[str, Any]:
        return {
            "end_step": end,
            "start_lr": start_lr,
            "end_lr": end_lr,
            "start_momentum": f"{start}_momentum",
            "end_momentum": f"{stop}_momentum",
        }

    rise = phase(float(share * total) - 1, "initial_lr", "max_lr", "max", "base")
    if not three:
        return [rise, phase(total - 1, "max_lr", "min_lr", "base", "max")]
    fall = phase(float(2 * share * total) - 2, "max_lr", "initial_lr", "base", "max")
    return [rise, fall, phase(total - 1, "initial_lr", "min_lr", "max", "max")]
