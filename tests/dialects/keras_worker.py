"""Runs in a process of its own, with one Keras backend: evaluates schedules and prints their values as JSON."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Read a list of [class name, arguments, steps] and print, for each, the values or the reason that there are none."""
    from keras.optimizers import schedules

    found = []
    for name, arguments, steps in json.load(sys.stdin):
        try:
            found.append(values(getattr(schedules, name)(**arguments), steps))
        except (ValueError, TypeError, IndexError) as error:
            found.append(str(error))
    json.dump(found, sys.stdout)


def values(made: Callable[[int], Any], steps: list[int]) -> list[float]:
    """Return the values at some steps."""
    name, backend = type(made).__name__, os.environ["KERAS_BACKEND"]
    if backend == "numpy" and name in (
        "ExponentialDecay",
        "InverseTimeDecay",
        "PolynomialDecay",
    ):  # these take arrays, without a branch; the first step alone, as in training
        import numpy as np

        return [float(made(steps[0])), *np.asarray(made(np.array(steps))).tolist()[1:]]
    if backend != "jax" or "Cosine" not in name:
        return [float(made(step)) for step in steps]
    import jax

    with jax.disable_jit():  # these two branch, and jax would compile both branches anew at every call
        return [float(made(step)) for step in steps]


if __name__ == "__main__":
    main()
