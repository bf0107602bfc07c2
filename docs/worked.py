"""Draws the pictures of the page of worked examples, each from the schedules of the page itself."""

from __future__ import annotations

from pathlib import Path

from glidepath import Schedule, Table, dialects, sgdr, view

__all__ = ["pictures"]


def shown() -> dict[str, tuple[dict[str, Schedule], int]]:
    """Returns, for each picture, its schedules by name and its last step."""

    def torch(name: str, base: float, **arguments: object) -> Schedule:
        return dialects.load("pytorch", name, arguments, base_lr=base)

    both = "[ConstantLR(0.1, total_iters=2), ExponentialLR(0.9)]"
    hold = dialects.load(
        "tensorflow/models",
        "cosine_decay_with_warmup",
        {"total_steps": 15000, "warmup_learning_rate": 1e-4, "warmup_steps": 2000, "hold_base_rate_steps": 2000},
        base_lr=0.01,
    )
    stairs = {"decay_steps": 2000, "decay_rate": 0.98, "staircase": True}
    return {
        "drops": (
            {
                "StepLR(3)": torch("StepLR", 0.05, step_size=3),
                "MultiStepLR([2, 5, 8])": torch("MultiStepLR", 0.05, milestones=[2, 5, 8]),
                "ExponentialLR(0.1)": torch("ExponentialLR", 0.05, gamma=0.1),
                "LinearLR(0.5, total_iters=4)": torch("LinearLR", 0.05, start_factor=0.5, total_iters=4),
                "ConstantLR(0.5, total_iters=4)": torch("ConstantLR", 0.05, factor=0.5, total_iters=4),
            },
            10,
        ),
        "chained": (
            {
                "printed": Table([0, 1, 2, 3, 4], [0.09, 0.081, 0.729, 0.6561, 0.59049], "previous"),
                "ChainedScheduler": torch("ChainedScheduler", 1.0, schedulers=both),
            },
            5,
        ),
        "sequence": (
            {
                "printed": Table([0, 1, 2, 3, 4], [0.1, 0.1, 0.9, 0.81, 0.729], "previous"),
                "PyTorch": torch("SequentialLR", 1.0, schedulers=both, milestones=[2]),
                "OneFlow": dialects.load(
                    "oneflow", "SequentialLR", {"schedulers": both, "milestones": [2]}, base_lr=1.0
                ),
            },
            5,
        ),
        "cosine": (
            {
                "CosineAnnealingLR(25)": torch("CosineAnnealingLR", 0.1, T_max=25, eta_min=0.001),
                "ExponentialLR(0.9)": torch("ExponentialLR", 0.1, gamma=0.9),
            },
            50,
        ),
        "restarts": ({"meant": 0.1 * sgdr(100, warmup=10, growth=2, start=0.0)}, 500),
        "tensorflow": (
            {
                "cosine with warmup and hold": hold,
                "staircase": dialects.load("tensorflow", "train.exponential_decay", stairs, base_lr=0.01),
            },
            16_000,
        ),
    }


def pictures(folder: Path) -> None:
    """Writes the pictures into a folder as `worked-….svg`."""
    for name, (schedules, last) in shown().items():
        view.save(view.figure(schedules, height=2.8, steps=last), folder / f"worked-{name}.svg")
