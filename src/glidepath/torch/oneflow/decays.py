"""OneFlow's schedulers that come down along a polynomial or a cosine, most of them to a rate that is the same for every group."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from .base import Closed

__all__ = [
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CosineDecayLR",
    "PolynomialLR",
]


class PolynomialLR(Closed):
    """A power of what is left of `decay_batch` steps, down to a rate that is the same for every group.

    Args:
        optimizer: Whose rates are set.
        decay_batch: The steps down; OneFlow 0.7 called them `steps`.
        end_learning_rate: The last rate.
        power: The power, from 0 on.
        cycle: Whether to begin again and again, each time lower; step 0 is then like step 1.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.PolynomialLR`, versions 0.7.0 to 1.0.0.
    """

    __slots__ = ()
    kept_as: ClassVar[dict[str, str]] = {"decay_batch": "max_decay_steps"}

    @classmethod
    def _arguments_of(cls, reader: inspect.Signature) -> inspect.Signature:
        first, length, *more = (p for p in reader.parameters.values() if p.name != "steps")
        return super()._arguments_of(inspect.Signature([first, length.replace(default=length.empty), *more]))

    def __init__(self, *given: Any, **named: Any) -> None:
        if "steps" in named and "decay_batch" not in named:  # its name in OneFlow 0.7
            named["decay_batch"] = named.pop("steps")
        super().__init__(*given, **named)


class CosineDecayLR(Closed):
    """Half a cosine down to the share `alpha` of the rate, then there.

    Args:
        optimizer: Whose rates are set.
        decay_steps: The steps down.
        alpha: The share that is left.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.CosineDecayLR`, versions 0.7.0 to 1.0.0.
    """

    __slots__ = ()


class CosineAnnealingLR(Closed):
    """Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on.

    Args:
        optimizer: Whose rates are set.
        T_max: The steps down.
        eta_min: The lowest rate, of every group.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.CosineAnnealingLR`, versions 0.7.0 to 1.0.0.
    """

    __slots__ = ()


class CosineAnnealingWarmRestarts(Closed):
    """Half a cosine again and again, each `T_mult` times as long and from a peak `decay_rate` times as high.

    Args:
        optimizer: Whose rates are set.
        T_0: The steps of the first one.
        T_mult: How many times as long the next one is.
        eta_min: The lowest rate, of every group; a peak that has decayed below it makes its cycle rise.
        decay_rate: What a restart multiplies the peak by, above 0.
        restart_limit: How many cycles there are, after which the rate is `eta_min`; 0 for no end.
        last_step: The index of the last step, -1 for a new run.
        verbose: Whether every rate that is set is printed.

    Raises:
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.CosineAnnealingWarmRestarts`, versions 0.7.0 to 1.0.0.
    """

    __slots__ = ()
