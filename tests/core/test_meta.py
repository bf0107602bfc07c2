"""Nothing is half there: every kind, curve and recipe has a strategy, a vector and a docstring with its formula."""

import builtins
import functools
import inspect
import itertools
import keyword
import math
import operator
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import formulas as exact
import glidepath as gp
import strategies as some
from generated import GENERATED
from glidepath import curves, recipes
from glidepath.core import shorthand

SCHEDULES = sorted(gp.Schedule.registry)
CURVES = sorted(curves.Curve.registry)
RECIPES = sorted(recipes.__all__)
WORDS = sorted(set(gp.vocabulary()) - {"wobble", "sag", "exactly"})
# A user's formula has no file; a replay is no formula of the step. Both have tests of their own.
WITHOUT_VECTOR = {"custom", "recurrence"}
JOINING = {"chain", "minimum", "maximum"}  # functions whose class has the docstring


def makers() -> dict[str, Any]:
    return {
        **gp.Schedule.registry,
        **{f"curve {name}": cls for name, cls in curves.Curve.registry.items()},
        **{name: getattr(recipes, name) for name in RECIPES},
        **{name: getattr(shorthand, name) for name in shorthand.__all__ if name not in JOINING},
    }


def test_every_kind_curve_and_recipe_has_a_strategy():
    assert set(SCHEDULES) == some.KINDS
    assert set(CURVES) == set(some.CURVES)
    assert set(RECIPES) == set(some.RECIPES)


def test_every_kind_curve_and_recipe_has_a_vector():
    named = {path.removeprefix("vectors/").removesuffix(".json") for path in GENERATED if path.startswith("vectors/")}

    assert named >= set(SCHEDULES) - WITHOUT_VECTOR
    assert named >= {f"curve-{kind}" for kind in CURVES}
    assert named >= set(RECIPES)
    assert named >= set(WORDS) - WITHOUT_VECTOR


def test_every_vector_shows_what_it_is_named_after():
    for path, cases in GENERATED.items():
        name = path.removeprefix("vectors/").removesuffix(".json")
        if name in gp.Schedule.registry and name not in recipes.__all__:
            assert f'"kind": "{name}"' in str(cases).replace("'", '"'), name


def test_every_curve_recipe_and_leaf_is_measured_against_its_formula():
    assert set(exact.CURVES) == set(CURVES)
    assert set(exact.RECIPES) == set(RECIPES)
    elsewhere = {"expression", "recurrence"}  # the formula is the user's
    assert set(exact.LEAVES) <= set(some.LEAVES) - elsewhere  # that of a newer kind is its vector
    assert len(exact.LEAVES) >= 13


@pytest.mark.parametrize("name", makers())
def test_every_docstring_has_formula_arguments_and_source(name: str):
    maker = makers()[name]
    doc = inspect.getdoc(maker) or ""
    given = [p for p in inspect.signature(maker).parameters if p != "return"]

    assert re.match(r"[A-Z][^\n]*", doc), "a first line"
    assert re.search(r"\$\$.+?\$\$|\$c\(u\)|\$1 - c\(u\)|\$a\\,\(b/a\)\^u\$", doc, re.DOTALL), "a formula"
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", doc, re.MULTILINE)
    documented = re.findall(r"^    (\w+): ", section.group(1), re.MULTILINE) if section else []
    assert documented == given
    assert "Source:" in doc or "Examples:" in doc or not given or name.startswith("curve ") or name in WITHOUT_VECTOR


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_its_source_and_shows_an_example(name: str):
    doc = inspect.getdoc(getattr(recipes, name)) or ""

    assert re.search(r"^Source:\n    .*(https://|`)", doc, re.MULTILINE)
    assert ">>> " in doc


def test_every_kind_shows_an_example_that_is_of_its_kind():
    for kind, cls in gp.Schedule.registry.items():
        if kind not in WITHOUT_VECTOR | {"product", "sum"}:
            assert gp.parse(cls.example).kind == kind, kind


def test_every_kind_names_its_source_or_shows_an_example():
    for kind, cls in gp.Schedule.registry.items():
        doc = inspect.getdoc(cls) or ""
        assert "Source:" in doc or ">>> " in doc or kind in WITHOUT_VECTOR, kind


def test_every_thing_has_one_name():
    names: dict[int, list[str]] = {}
    for name in dir(gp):
        if not name.startswith("_") and name not in gp._ROOMS:
            names.setdefault(id(getattr(gp, name)), []).append(name)

    assert {tuple(found) for found in names.values() if len(found) > 1} == set()
    assert set(recipes.__all__) | set(shorthand.__all__) <= set(dir(gp))


def test_every_word_is_there_in_python_a_kind_as_its_class():
    for name in WORDS:
        made = gp.vocabulary()[name]
        assert getattr(gp, made.__name__) is made, name


def test_a_kind_in_small_letters_is_told_its_name():
    for name, cls in gp.Schedule.registry.items():
        if name in shorthand.__all__:
            continue
        with pytest.raises(AttributeError, match=rf"^glidepath\.{name} is now glidepath\.{cls.__name__}$"):
            getattr(gp, name)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = gp.nonsense


def test_a_star_brings_in_nothing_that_is_python_s_or_the_user_s():
    mine: dict[str, Any] = {}
    exec("from glidepath import *", mine)
    theirs = set(dir(builtins)) | set(keyword.kwlist)
    theirs |= {
        name for module in (math, itertools, functools, operator, random, statistics, time) for name in dir(module)
    }

    assert set(mine) - {"__builtins__"} == set(gp.__all__)
    assert set(mine) & theirs <= {"__builtins__"}
    assert [name for name in gp.__all__ if not isinstance(mine[name], type)] == []
    assert {"Schedule", "Ramp", "GlidepathError"} <= set(mine)


def test_every_room_is_an_attribute_imported_when_it_is_looked_at():
    rooms = {path.name.removesuffix(".py") for path in Path(gp.__file__).parent.iterdir() if path.name[0] not in "_."}
    rooms -= {"core", "py.typed"}
    light = rooms - {"jax", "keras", "lab", "lightning", "torch", "transformers"}  # the others load their framework
    code = (
        f"import sys, glidepath as gp\nrooms, light, asked = {sorted(rooms)!r}, {sorted(light)!r}, []\n"
        "assert not [r for r in rooms if r != 'recipes' and f'glidepath.{r}' in sys.modules]\n"
        "assert all(getattr(gp, r) is sys.modules[f'glidepath.{r}'] for r in light)\n"
        "gp.import_module = asked.append\n"
        "assert [getattr(gp, r) for r in rooms if r not in light] == [None] * (len(rooms) - len(light))\n"
        "assert asked == [f'glidepath.{r}' for r in rooms if r not in light]\n"
    )

    assert rooms <= set(dir(gp))
    subprocess.run([sys.executable, "-c", code], check=True)
