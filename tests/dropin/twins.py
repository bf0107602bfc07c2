"""A live torch scheduler and ours, each with an optimizer of its own, led through the same calls and compared after each.

A *recipe* is the name of a class and its arguments; the `schedulers` among the arguments are recipes themselves.
"""

import copy
import io
import pickle
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from torch.optim import lr_scheduler as theirs
from torch.optim import swa_utils

from glidepath.torch import lr_scheduler as ours

Recipe = tuple[str, dict[str, Any]]
RELATIVE = ["StepLR", "MultiStepLR", "ExponentialLR", "PolynomialLR", "ConstantLR", "LinearLR", "CosineAnnealingLR"]
CARRY_ON = [
    "StepLR",
    "MultiStepLR",
    "ExponentialLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
]  # torch's carry on with a group that joins
# Those whose step takes an epoch.
GOES = [
    *RELATIVE,
    "LambdaLR",
    "MultiplicativeLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
]


class Factor:
    """A function with a state, which schedulers save."""

    def __init__(self, rate: float):
        self.rate = rate

    def __call__(self, step: float) -> float:
        return self.rate**step

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Factor) and other.rate == self.rate

    __hash__ = None  # type: ignore[assignment]


def nine_tenths(step: float) -> float:
    return 0.9


def slowly_less(step: float) -> float:
    return 1 - 0.01 * step


def hyperbola(step: float) -> float:
    return 1 / (1 + step)


lengths, factors = st.integers(1, 12), st.floats(0.05, 1.0)
objects = st.floats(0.7, 1.0).map(Factor)
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "StepLR": {"step_size": lengths, "gamma": st.floats(0.1, 1.2)},
    "MultiStepLR": {"milestones": st.lists(st.integers(0, 20), max_size=5), "gamma": st.floats(0.1, 1.2)},
    "ConstantLR": {"factor": factors, "total_iters": lengths},
    "LinearLR": {"start_factor": factors, "end_factor": st.floats(0.0, 1.0), "total_iters": lengths},
    "ExponentialLR": {"gamma": st.floats(0.2, 1.1)},
    "PolynomialLR": {"total_iters": lengths, "power": st.floats(0.5, 3)},
    "CosineAnnealingLR": {"T_max": lengths, "eta_min": st.floats(0, 0.05)},
    "SWALR": {
        "swa_lr": st.floats(0.01, 1),
        "anneal_epochs": lengths,
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
    },
    "MultiplicativeLR": {"lr_lambda": st.sampled_from([nine_tenths, slowly_less]) | objects},
    "LambdaLR": {"lr_lambda": st.sampled_from([nine_tenths, hyperbola]) | objects},
    "CosineAnnealingWarmRestarts": {"T_0": lengths, "T_mult": st.integers(1, 3), "eta_min": st.floats(0, 0.5)},
    "CyclicLR": {
        "base_lr": st.floats(0.01, 0.1),
        "max_lr": st.floats(0.1, 1),
        "step_size_up": lengths,
        "step_size_down": st.none() | lengths,
        "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
        "gamma": st.floats(0.8, 1),
        "scale_fn": st.none() | st.just(hyperbola) | objects,
        "scale_mode": st.sampled_from(["cycle", "iterations"]),
        "cycle_momentum": st.booleans(),
    },
    "OneCycleLR": {
        "max_lr": st.floats(0.1, 1),
        "total_steps": st.integers(12, 60),
        "pct_start": st.floats(0.2, 0.5),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
        "three_phase": st.booleans(),
        "cycle_momentum": st.booleans(),
    },
    "ReduceLROnPlateau": {
        "mode": st.sampled_from(["min", "max"]),
        "factor": st.floats(0.1, 0.9),
        "patience": st.integers(0, 3),
        "threshold": st.sampled_from([1e-4, 0.1, 0.5]),
        "threshold_mode": st.sampled_from(["rel", "abs"]),
        "cooldown": st.integers(0, 2),
        "min_lr": st.sampled_from([0, 0.05, [0.01, 0.05, 0.15]]),
        "eps": st.sampled_from([1e-8, 0.05]),
    },
}

SINGLE = [name for name in ARGUMENTS if name != "ReduceLROnPlateau"]
CYCLING = ("CyclicLR", "OneCycleLR")
BESIDE = [name for name in SINGLE if name not in CYCLING]  # may share the optimizer with others
FUNCTIONS = ("lr_lambda", "scale_fn")


def recipe_of(name: str) -> st.SearchStrategy[Recipe]:
    """Draws a recipe of a class, for the composites one that torch's make right."""
    if name == "ChainedScheduler":
        inside = st.one_of(leaf(BESIDE), leaf(BESIDE), st.deferred(lambda: recipe_of("SequentialLR")))
        return st.lists(inside, min_size=1, max_size=3).map(lambda children: (name, {"schedulers": children}))
    if name == "SequentialLR":
        children = st.lists(leaf(BESIDE), min_size=1, max_size=3)
        marks = st.sets(st.integers(1, 12), min_size=2, max_size=2).map(sorted)
        return st.tuples(children, marks).map(
            lambda drawn: (name, {"schedulers": drawn[0], "milestones": drawn[1][: len(drawn[0]) - 1]})
        )
    return st.tuples(st.just(name), st.fixed_dictionaries(ARGUMENTS[name]))


def leaf(names: list[str]) -> st.SearchStrategy[Recipe]:
    return st.sampled_from(names).flatmap(recipe_of)


def changed(data: st.DataObject, recipe: Recipe) -> Recipe:
    """Draws a recipe of the same make with other arguments: all but plain functions, which no state holds."""
    name, given = recipe
    if "schedulers" in given:
        return name, {**given, "schedulers": [changed(data, child) for child in given["schedulers"]]}
    other = dict(data.draw(recipe_of(name))[1])
    for argument, value in given.items():
        if argument in FUNCTIONS and not (isinstance(value, Factor) and isinstance(other[argument], Factor)):
            other[argument] = value
    return name, other


def optimizer(
    groups: int = 3, tensor: bool = False, kind: Any = torch.optim.SGD, **extra: Any
) -> torch.optim.Optimizer:
    rates = [0.1 * (i + 1) for i in range(groups)]
    made = [
        {
            "params": [torch.nn.Parameter(torch.zeros(1))],
            "lr": torch.tensor(rate, dtype=torch.float64) if tensor else rate,
        }
        for rate in rates
    ]
    if kind is torch.optim.SGD:
        extra.setdefault("momentum", 0.9)
    elif tensor:
        extra |= {"capturable": True, "foreach": False}
    found = kind(made, lr=0.1, **extra)
    found._opt_called = True
    return found


def make(module: Any, name: str, held: torch.optim.Optimizer, **arguments: Any) -> Any:
    kind = swa_utils.SWALR if module is theirs and name == "SWALR" else getattr(module, name)
    return kind(held, **arguments)


def built(recipe: Recipe, held: torch.optim.Optimizer, outer: Any, inner: Any = None) -> Any:
    """Returns the scheduler of a recipe: composites from one module, the ones inside from another where it is given."""
    name, arguments = recipe
    arguments = copy.deepcopy(arguments)
    if "schedulers" not in arguments:
        return make(inner or outer, name, held, **arguments)
    arguments["schedulers"] = [built(child, held, outer, inner) for child in arguments["schedulers"]]
    return outer.ChainedScheduler(**arguments) if name == "ChainedScheduler" else outer.SequentialLR(held, **arguments)


class Leg:
    """One optimizer and its schedulers, of one library."""

    def __init__(self, held: torch.optim.Optimizer, recipe: Recipe, outer: Any, inner: Any = None):
        self.held, self.outer, self.inner = held, outer, inner
        self.recipes: list[Recipe] = []
        self.made: list[Any] = []
        self.add(recipe)

    @property
    def groups(self) -> list[dict[str, Any]]:
        return self.held.param_groups

    def add(self, recipe: Recipe) -> None:
        self.made.append(built(recipe, self.held, self.outer, self.inner))
        self.recipes.append(recipe)

    def copied(self) -> None:
        self.held, self.made = copy.deepcopy((self.held, self.made))

    def pickled(self) -> None:
        self.held, self.made = pickle.loads(pickle.dumps((self.held, self.made)))

    def shared(self) -> bool:
        """Returns whether a rate's tensor is also something else than this rate."""
        rates = [group["lr"].data_ptr() for group in self.groups if isinstance(group["lr"], torch.Tensor)]
        others: list[Any] = [
            value for group in self.groups for name, value in group.items() if name not in ("params", "lr")
        ]
        for leaf in (leaf for one in self.made for leaf in leaves(one)):
            others += [*getattr(leaf, "base_lrs", ()), *leaf.get_last_lr()]
        return len({*rates}) < len(rates) or any(isinstance(o, torch.Tensor) and o.data_ptr() in rates for o in others)

    def saved(self) -> bytes:
        """Returns the file of a checkpoint."""
        states = [self.of_the_moment(one.state_dict()) for one in self.made]
        file = io.BytesIO()
        torch.save({"optimizer": self.held.state_dict(), "schedulers": states}, file)
        return file.getvalue()

    def of_the_moment(self, state: dict[str, Any]) -> dict[str, Any]:
        """Returns a state with the rates of the moment, which torch's has not (mended)."""
        moment = [copy.deepcopy(group["lr"]) for group in self.groups]
        children = [self.of_the_moment(child) for child in state.get("_schedulers", ())]
        return {**state, "_last_lr": moment, **({"_schedulers": children} if children else {})}

    def restored(self, file: bytes, recipes: list[Recipe]) -> None:
        """Goes on from a checkpoint with schedulers built anew, perhaps of other arguments."""
        found = torch.load(io.BytesIO(file), weights_only=True)
        self.made = [built(recipe, self.held, self.outer, self.inner) for recipe in recipes]
        self.held.load_state_dict(found["optimizer"])
        for one, state in zip(self.made, found["schedulers"], strict=True):
            one.load_state_dict(state)


def leaves(scheduler: Any) -> list[Any]:
    """Returns the single schedulers that one is made of."""
    children = getattr(scheduler, "_schedulers", None)
    return [scheduler] if children is None else [leaf for child in children for leaf in leaves(child)]


class Twins:
    """A leg of torch's and one of ours."""

    def __init__(
        self, recipe: Recipe, outer: Any = ours, inner: Any = ours, **options: Any
    ):  # options of the optimizer
        self.mixed = theirs in (outer, inner)
        self.peer = Leg(optimizer(**options), recipe, theirs)
        self.own = Leg(optimizer(**options), recipe, outer, inner)
        self.agree()

    def both(self, action: Callable[[Leg], Any]) -> Any:
        """Does the same to both; what comes back, what is warned of and from where must be the same."""
        found = []
        for leg in (self.peer, self.own):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = action(leg)
            found.append((result, [(w.category, str(w.message)) for w in caught]))
        (wanted, said), (got, spoken) = found
        assert spoken == said
        assert same(got, wanted), (got, wanted)
        return got

    def swap(self, recipes: list[Recipe]) -> None:
        """Gives each the other's checkpoint."""
        files = [self.peer.saved(), self.own.saved()]
        self.own.restored(files[0], recipes)
        self.peer.restored(files[1], recipes)

    def agree(self, last: bool = True) -> None:
        for wanted, got in zip(self.peer.groups, self.own.groups, strict=True):
            known = wanted.keys() - {"params"}  # ours gives a group that joins an initial_lr
            left, right = ({k: v for k, v in group.items() if k in known} for group in (wanted, got))
            assert same(right, left), (right, left)
        assert not self.own.shared()
        for wanted, got in zip(self.peer.made, self.own.made, strict=True):
            assert not last or same(got.get_last_lr(), wanted.get_last_lr()), (got.get_last_lr(), wanted.get_last_lr())
            for a, b in zip([wanted, *leaves(wanted)], [got, *leaves(got)], strict=True):
                for name in ("last_epoch", "_step_count"):
                    assert getattr(a, name, None) == getattr(b, name, None), name

    def states_agree(self) -> None:
        """Compares what the schedulers save."""
        for wanted, got in zip(self.peer.made, self.own.made, strict=True):
            left, right = self.peer.of_the_moment(wanted.state_dict()), got.state_dict()
            if self.mixed:
                right = self.own.of_the_moment(right)
            assert same(right, left), (right, left)


def same(got: Any, wanted: Any) -> bool:
    """Returns whether both are alike: kinds of containers and tensors, keys, and numbers but for the rounding of torch's recursions."""
    if isinstance(wanted, torch.Tensor) or isinstance(got, torch.Tensor):
        return type(got) is type(wanted) and got.dtype == wanted.dtype and same(got.tolist(), wanted.tolist())
    if isinstance(wanted, dict | Counter):
        return isinstance(got, dict) and got.keys() == wanted.keys() and all(same(got[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list | tuple):
        return type(got) is type(wanted) and len(got) == len(wanted) and all(map(same, got, wanted))
    if isinstance(wanted, float) or isinstance(got, float):
        return got == pytest.approx(wanted, rel=1e-10, abs=1e-14, nan_ok=True)
    return got == wanted
