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


def compiled_values(code: str, steps: list[int]) -> list[float]:
    """Return the values of a rendered function at some steps inside `jit`, one compilation for all of them."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    scope: dict = {}
    exec(code, scope)
    schedule = scope["schedule"]
    clock = jnp.asarray(np.array(steps, dtype=np.int32))
    found = jax.jit(lambda clock: jax.lax.map(lambda step: jnp.asarray(schedule(step), float), clock))(clock)
    return np.asarray(found, dtype=float).tolist()


def main() -> None:
    """Read a list of [framework, code, steps] and print the values of each, or what went wrong."""
    warnings.simplefilter("ignore")
    found = []
    for framework, code, steps in json.load(sys.stdin):
        try:
            if isinstance(steps, list):
                found.append(compiled_values(code, steps))
            else:
                found.append((torch_values if framework == "pytorch" else function_values)(code, steps))
        except Exception as error:  # noqa: BLE001 - told to the test, with the code
            found.append(f"{type(error).__name__}: {error}")
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
