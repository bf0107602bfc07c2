"""Runs in a process of its own: executes rendered code and prints the values that it gives at each step as JSON."""

import json
import sys
import warnings


def torch_values(code: str, steps: int) -> list[float]:
    """Return the rates of a rendered scheduler."""
    import torch

    scope: dict = {}
    exec(code, scope)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=scope.get("base_lr", 1.0), momentum=0.9)
    scheduler = scope["make_scheduler"](optimizer)
    found = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        scheduler.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


def function_values(code: str, steps: int) -> list[float]:
    """Return the values of a rendered function of the step."""
    scope: dict = {}
    exec(code, scope)
    return [float(scope["schedule"](step)) for step in range(steps)]


def compiled_values(jobs: list[tuple[str, list[int]]], x64: bool) -> list[list[float]]:
    """Return the values of rendered functions at some steps inside `jit`, one compilation for all of them."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    def all_of(clocks: list) -> list:
        return [
            jax.vmap(lambda step, f=f: jnp.asarray(f(step), float))(clock)
            for f, clock in zip(made, clocks, strict=True)
        ]

    with jax.enable_x64(x64):
        made = []
        for code, _ in jobs:
            scope: dict = {}
            exec(code, scope)
            made.append(scope["schedule"])
        found = jax.jit(all_of)([jnp.asarray(np.array(steps, dtype=np.int32)) for _, steps in jobs])
    return [np.asarray(values, dtype=float).tolist() for values in found]


def main() -> None:
    """Read a list of [framework, code, steps], or a dict of such lists to be compiled, and print the values of each, or what went wrong."""
    warnings.simplefilter("ignore")
    given = json.load(sys.stdin)
    if isinstance(given, dict):
        json.dump({how: compiled_values(jobs, "x64" in how) for how, jobs in given.items()}, sys.stdout)
        return
    found = []
    for framework, code, steps in given:
        try:
            found.append((torch_values if framework == "pytorch" else function_values)(code, steps))
        except Exception as error:  # noqa: BLE001 - told to the test, with the code
            found.append(f"{type(error).__name__}: {error}")
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
