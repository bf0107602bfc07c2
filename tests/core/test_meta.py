"""Nothing is half there: every kind, curve and recipe has a strategy, a vector and a docstring with its formula."""

import inspect
import re
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
    assert set(exact.LEAVES) == set(some.LEAVES) - elsewhere


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


def test_every_kind_names_its_source_or_shows_an_example():
    for kind, cls in gp.Schedule.registry.items():
        doc = inspect.getdoc(cls) or ""
        assert "Source:" in doc or ">>> " in doc or kind in WITHOUT_VECTOR, kind


def test_the_public_names_are_sorted_and_there():
    assert gp.__all__ == sorted(gp.__all__)
    assert not [name for name in gp.__all__ if not hasattr(gp, name)]
    assert set(recipes.__all__) <= set(gp.__all__)
    assert set(WORDS) <= set(gp.__all__)


def test_a_word_is_the_same_thing_in_text_and_in_python():
    for name in WORDS:
        assert getattr(gp, name) is gp.vocabulary()[name], name
