"""Schedulers stepped on optimizers that make no updates, and the rates that they leave."""

from typing import Any

import pytest
import torch


def rates(held: torch.optim.Optimizer) -> list[float]:
    """Return the rate of every group."""
    return [float(group["lr"]) for group in held.param_groups]


def run(held: torch.optim.Optimizer, scheduler: Any, steps: int) -> list[list[float]]:
    """Return the rates after each of several steps."""
    found = []
    for _ in range(steps):
        held._opt_called = True
        scheduler.step()
        found.append(rates(held))
    return found


def near(rows: list[list[float]]) -> Any:
    """Return rows to compare with, equal up to rounding."""
    return [pytest.approx(row, rel=1e-12) for row in rows]
