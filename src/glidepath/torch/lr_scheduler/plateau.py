"""The drop-in that follows a metric: PyTorch's own rule, with its state restored and its arguments checked."""

from __future__ import annotations

import inspect
import warnings
from typing import Any, ClassVar, SupportsFloat

import torch
from torch.optim import lr_scheduler as torchs

from ...core.checks import Checks
from ...core.errors import GlidepathError
from ..rows import plain
from .making import Made
from .state import restore_rates, saved

__all__ = ["ReduceLROnPlateau"]

_PARAMETERS = inspect.signature(torchs.ReduceLROnPlateau).parameters


class ReduceLROnPlateau(torchs.ReduceLROnPlateau, Made):
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
    library: ClassVar[str] = "pytorch"
    _seen: tuple[list[Any], list[Any]]  # a parameter of each group, and the floors, in the order of the last cut

    def _refuse(self, optimizer: torch.optim.Optimizer, arguments: dict[str, Any]) -> None:
        checks, groups = Checks(f"{self.library} ReduceLROnPlateau"), len(optimizer.param_groups)
        given = {name: p.default for name, p in _PARAMETERS.items()} | arguments
        checks.choice("mode", given["mode"], ("min", "max"))
        if checks.real("factor", given["factor"], 0) >= 1:
            checks.refuse("factor", "below 1", given["factor"])
        checks.length("patience", given["patience"], 0)
        checks.real("threshold", given["threshold"], 0)
        checks.choice("threshold_mode", given["threshold_mode"], ("rel", "abs"))
        checks.length("cooldown", given["cooldown"], 0)
        floors = given["min_lr"]
        if isinstance(floors, list) and len(floors) != groups:
            checks.refuse("min_lr", f"one rate or {groups} of them", floors)
        for i, floor in enumerate(floors if isinstance(floors, list) else [floors]):
            checks.real(f"min_lr[{i}]" if isinstance(floors, list) else "min_lr", floor, 0)
        checks.real("eps", given["eps"], 0)
        checks.done()

    def _begun(self, arguments: dict[str, Any]) -> None:
        self._seen = self._now()

    def _tell(self, epoch: Any) -> None:
        """Prints nothing: only cuts are printed."""

    def step(self, metrics: SupportsFloat, epoch: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes a step.

        Args:
            metrics: The metric of this epoch.
            epoch: Its index; deprecated by PyTorch, which warns.
        """
        current = float(metrics)
        if epoch is None:
            epoch = self.last_epoch + 1
        else:
            warnings.warn(torchs.EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self.last_epoch = epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr(epoch)
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self._last_lr = rates if type(sum(rates)) is float else [saved(rate) for rate in rates]

    def _now(self) -> tuple[list[Any], list[Any]]:
        return [group["params"][0] if group["params"] else None for group in self.optimizer.param_groups], list(
            self.min_lrs
        )

    def _reduce_lr(self, epoch: Any) -> None:
        """Cuts the rates, each floor having followed its group; floors that were assigned since stay where they are."""
        before = [plain(group["lr"]) for group in self.optimizer.param_groups] if self.verbose else []
        if self.default_min_lr is None:
            self._follow()
        super()._reduce_lr(epoch)
        for i, old in enumerate(before):
            rate = plain(self.optimizer.param_groups[i]["lr"])
            if rate != old:
                print(f"Epoch {self._when(epoch)}: reducing learning rate of group {i} to {rate:.4e}.")  # noqa: T201

    def _follow(self) -> None:
        """Brings the floors into the order of the groups."""
        known, floors = self._seen
        if floors == self.min_lrs:
            places = {id(owner): i for i, owner in enumerate(known)}
            found = [places.get(id(owner)) for owner in self._now()[0]]
            if None not in found:
                self.min_lrs = [floors[place] for place in found if place is not None]
        self._seen = self._now()

    def _when(self, epoch: Any) -> str:
        """Returns an epoch as PyTorch's `verbose` printed it."""
        return f"{epoch:.2f}" if isinstance(epoch, float) else f"{epoch:05d}"

    def state_dict(self) -> dict[str, Any]:
        """Returns PyTorch's state; its `_last_lr` are the rates of this moment."""
        state = {name: saved(value) for name, value in self.__dict__.items() if name != "optimizer"}
        state["_last_lr"] = [saved(group["lr"]) for group in self.optimizer.param_groups]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state, of PyTorch's class too, and writes its rates into the groups.

        Args:
            state_dict: What `state_dict` returned; it is left as it is.

        Raises:
            GlidepathError: If it is of another kind of scheduler; nothing is changed then.
        """
        if "num_bad_epochs" not in state_dict:
            raise GlidepathError.of("ReduceLROnPlateau", "state_dict", "of the same kind", sorted(state_dict))
        super().load_state_dict({name: saved(value) for name, value in state_dict.items()})
        restore_rates(self.optimizer, self._last_lr)
        self._seen = self._now()
