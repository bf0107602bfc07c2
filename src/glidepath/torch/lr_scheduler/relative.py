"""Drop-ins that multiply the rate they find: a hand or another scheduler may move it too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from torch.optim import Optimizer, swa_utils
from torch.optim import lr_scheduler as torchs

from ...core.errors import GlidepathError
from ...core.segments import Hold
from ...dialects.pieces import constant_then
from .base import Closed, Scheduler, unit
from .tensors import plain

__all__ = [
    "SWALR",
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]


class StepLR(Closed, torchs.StepLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"step_size", "gamma"})

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Callable[[float], float]:
        return unit("StepLR", step_size=self.step_size, gamma=self.gamma)


class MultiStepLR(Closed, torchs.MultiStepLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"milestones", "gamma"})

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _marks(self) -> Any:
        return dict(self.milestones)

    def _still(self, marks: Any, at: Any) -> bool:
        found = self.__dict__["milestones"]
        return len(found) == len(marks) and found.get(at) == marks.get(at)

    def _unit(self) -> Callable[[float], float]:
        return unit("MultiStepLR", milestones=list(Counter(self.milestones).elements()), gamma=self.gamma)


class ConstantLR(Closed, torchs.ConstantLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"factor", "total_iters"})
    joins_at_base: ClassVar[bool] = True

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Callable[[float], float]:
        checked = unit("ConstantLR", factor=self.factor or 1.0, total_iters=self.total_iters or 1)
        if self.total_iters and self.factor:
            return checked
        return constant_then(0.0, int(self.total_iters)).scalar if self.total_iters else Hold().scalar


class LinearLR(Closed, torchs.LinearLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"start_factor", "end_factor", "total_iters"})
    joins_at_base: ClassVar[bool] = True

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Callable[[float], float]:
        start, end = self.start_factor, self.end_factor
        checked = unit("LinearLR", start_factor=start, end_factor=end, total_iters=self.total_iters or 1)
        return checked if self.total_iters else Hold(value=end).scalar


class ExponentialLR(Closed, torchs.ExponentialLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"gamma"})

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Callable[[float], float]:
        return unit("ExponentialLR", gamma=self.gamma)

    def _before(self, made: Callable[[float], float]) -> float:
        return 1.0 / made(1)


class PolynomialLR(Closed, torchs.PolynomialLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"total_iters", "power"})

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Callable[[float], float]:
        return unit("PolynomialLR", total_iters=self.total_iters, power=self.power)


class CosineAnnealingLR(Closed, torchs.CosineAnnealingLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"T_max", "eta_min"})
    lows_live: ClassVar[bool] = False
    catches_up: ClassVar[bool] = True

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Callable[[float], float]:
        unit("CosineAnnealingLR", T_max=self.T_max, eta_min=self.eta_min)
        return unit("CosineAnnealingLR", T_max=self.T_max)

    def _lows(self) -> Sequence[float] | None:
        return [plain(self.eta_min)] * len(self.base_lrs) if self.eta_min else None

    def _before(self, made: Callable[[float], float]) -> float:
        return made(1)


class SWALR(Scheduler, swa_utils.SWALR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"anneal_epochs", "_anneal_strategy"})

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        given = list(swa_lr) if isinstance(swa_lr, list | tuple) else [swa_lr] * len(optimizer.param_groups)
        targets = [plain(target) for target in given]
        if len(targets) != len(optimizer.param_groups):
            raise GlidepathError.of("SWALR", "swa_lr", f"one rate or {len(optimizer.param_groups)} of them", swa_lr)
        for target in targets:
            unit("SWALR", swa_lr=target, anneal_epochs=anneal_epochs, anneal_strategy=anneal_strategy)
        self.anneal_epochs = anneal_epochs
        self._anneal_strategy = anneal_strategy
        for group, target in zip(optimizer.param_groups, targets, strict=True):
            group["swa_lr"] = target
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Callable[[float], float]:
        return unit("SWALR", swa_lr=0.0, anneal_epochs=self.anneal_epochs, anneal_strategy=self._anneal_strategy)

    def _lows(self) -> Sequence[float] | None:
        return [group["swa_lr"] for group in self.optimizer.param_groups]

    def _join(self, group: dict[str, Any]) -> None:
        group.setdefault("swa_lr", self.optimizer.param_groups[0]["swa_lr"])

    def _changed(self, current: list[float], before: float, weight: float) -> list[float]:
        if before == 0:
            return list(self._lows() or ())
        return super()._changed(current, before, weight)


class MultiplicativeLR(Scheduler, torchs.MultiplicativeLR):
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

    __slots__ = ()
    live: ClassVar[frozenset[str]] = frozenset({"lr_lambdas"})
    per_group: ClassVar[tuple[str, ...]] = ("lr_lambdas",)
    _functions: ClassVar[str] = "lr_lambdas"
    _curved: ClassVar[bool] = False

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas = functions_of(optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def _unit(self) -> Any:
        return _Factors(self.lr_lambdas)

    def _changed(self, current: list[float], before: float, weight: float) -> list[float]:
        del before, weight
        if self._is_initial:
            return current
        cache, functions = self._cache, self.__dict__["lr_lambdas"]
        made: Any = cache.unit
        if made is None or made.functions != functions:
            made = self._weight_of()
        return made.times(current, cache.target)

    def _factor(self) -> Any:
        made: Any = self._cache.unit
        return made.factor if made.only is not None and type(self)._changed is MultiplicativeLR._changed else None

    def _marks(self) -> Any:
        return list(self.lr_lambdas)

    def _still(self, marks: Any, at: Any) -> bool:
        del at
        return marks == self.__dict__["lr_lambdas"]


class _Factors:
    """A weight that stays 1, and beside it the functions that multiply the rates from one step to the next."""

    __slots__ = ("functions", "only")

    def __init__(self, functions: list[Any]) -> None:
        self.functions = list(functions)
        self.only: Any = functions[0] if len(set(map(id, functions))) == 1 else None

    def __call__(self, step: float) -> float:
        del step
        return 1.0

    def factor(self, before: float, weight: float, step: Any) -> float:
        """Returns what the function that all groups share gives for a step."""
        del before, weight
        return float(self.only(step))

    def times(self, rates: list[float], step: Any) -> list[float]:
        """Returns rates multiplied by what the functions give for a step; one that all groups share is called once."""
        if self.only is not None:
            factor = float(self.only(step))
            return [rate * factor for rate in rates]
        return [rate * float(fn(step)) for rate, fn in zip(rates, self.functions, strict=True)]


def functions_of(optimizer: Any, given: Any) -> list[Any]:
    """Returns one function for each group.

    Raises:
        TypeError: If the optimizer is none or a function is none.
        ValueError: If there are not as many as groups.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    groups = len(optimizer.param_groups)
    functions = list(given) if isinstance(given, list | tuple) else [given] * groups
    if len(functions) != groups:
        raise GlidepathError.of(
            "lr_scheduler", "lr_lambda", f"one function or {groups} of them", f"{len(functions)} of them"
        )
    for fn in functions:
        if not callable(fn):
            raise TypeError(f"lr_lambda should be a function, but got {type(fn).__name__}")
    return functions
