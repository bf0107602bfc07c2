"""Keeps `torch.compile` out of the hooks: a compiled step has the graphs that it has without them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["invisible"]


def invisible(hook: Callable[..., Any]) -> None:
    """Makes Dynamo neither look into a hook that it meets, nor compile the hook and what it calls when they run.

    `torch.compiler.disable` does the same around every call, for a microsecond each; these two marks cost nothing.
    """
    hook._torchdynamo_disable = True  # type: ignore[attr-defined]
    try:
        frames: Any = import_module("torch._C._dynamo.eval_frame")
        skip = frames._FrameAction.SKIP
        frames.set_code_exec_strategy(hook.__code__, frames._FrameExecStrategy(skip, skip))
    except (ImportError, AttributeError, TypeError):
        return  # a PyTorch without them: the first mark alone costs it some small graphs
