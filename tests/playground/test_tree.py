"""Text, tree and controls: both ways, for every word, with every problem at its place."""

import copy

import pytest

from glidepath import GlidepathError, parse, vocabulary
from glidepath.playground.asked import Budget, length_of
from glidepath.playground.build import build
from glidepath.playground.catalogue import catalogue
from glidepath.playground.details import Details, Fit, details, fit
from glidepath.playground.tree import text_of, tree_of
from glidepath.view.examples import EXAMPLES

BUDGET = Budget().settled()
COMPOSED = [
    "0.1 * (warmup(5) >> cosine(5)) >> hold()",
    "1 - cosine(10) - 0.5 * linear(5)",
    "minimum(cosine(10), linear(20), hold(value=0.3))",
    "with_warmup(repeat(cosine(10), cycles=3, decay=0.5), 5)",
]


@pytest.mark.parametrize("text", [*EXAMPLES.values(), *COMPOSED])
def test_text_and_tree_say_the_same(text):
    tree = tree_of(text)
    written = text_of(tree)

    assert build(tree, BUDGET).schedule == parse(text) == parse(written)
    assert tree_of(written) == build(tree_of(written), BUDGET).tree


@pytest.mark.parametrize("word", sorted(catalogue()["words"]))
def test_every_word_of_the_page_begins_with_a_schedule_and_has_controls_for_its_arguments(word):
    entry = catalogue()["words"][word]
    built = build(tree_of(entry["text"]), BUDGET)

    assert built.problems == []
    assert built.schedule is not None
    assert entry["about"]
    assert {argument["name"] for argument in built.tree["args"]} <= {argument["name"] for argument in entry["args"]}
    assert all({"name", "type", "required", "default", "note", "nullable"} <= set(a) for a in entry["args"])


def test_a_new_formula_appears_on_the_page_without_any_code_of_the_page(monkeypatch):
    import glidepath

    @glidepath.register("sawtooth_of_a_test", replace=True)
    def sawtooth(step, xp, *, period=100.0):
        """A falling saw.

        Args:
            step: The step.
            xp: The functions.
            period: How long a tooth is.
        """
        return 1.0 - xp.minimum(step / period, 1.0)

    try:
        from glidepath.playground.catalogue import entry_of

        entry = entry_of("", "sawtooth_of_a_test")
        assert entry["about"] == "A falling saw."
        assert [(a["name"], a["default"], a["note"]) for a in entry["args"]] == [
            ("period", 100.0, "How long a tooth is.")
        ]
    finally:
        glidepath.unregister("sawtooth_of_a_test")


def test_every_word_but_the_replayed_one_is_offered():
    ours = {word for word in catalogue()["words"] if "." not in word}

    words = {
        word for word, make in vocabulary().items() if make.__module__ != "glidepath.core.custom"
    }  # not tests' own
    assert words - ours == {"recurrence", "rate"}


def changed(text, path, value):
    tree = copy.deepcopy(tree_of(text))
    at = tree
    *way, last = path
    for key in way:
        at = at[key]
    at[last] = value
    return build(tree, BUDGET)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1e3", (1000,)),
        ("3000, 6000", (3000, 6000)),
        ("5%, 2ep", (500, 800)),
        ("[10; 20]", (10, 20)),
        ("1_000", (1000,)),
    ],
)
def test_lists_are_read_as_they_are_typed(typed, expected):
    """K4: milestones `1e3` are one thousand, not 1 and 3."""
    built = changed("multistep([1, 2])", ("args", 0, "value"), {"raw": typed, "as": "list"})

    assert built.schedule is not None
    assert built.schedule.milestones == expected


@pytest.mark.parametrize("typed", ["", "3, 1", "a", "nan", "1e999", "0", "2.5", "1" * 500, "__import__('os')"])
def test_what_is_no_list_of_milestones_is_refused_at_its_field(typed):
    """K4: an invalid edit names the field and makes no schedule."""
    built = changed("warmup(5) >> multistep([1, 2])", ("parts", 1, "args", 0, "value"), {"raw": typed, "as": "list"})

    assert built.schedule is None
    assert [(p["path"], p["field"]) for p in built.problems] == [("parts.1", "milestones")]


@pytest.mark.parametrize(
    ("typed", "steps"), [("500", 500), ("5%", 500), ("2ep", 800), ("10k", 10_000), ("1e3", 1000), ("0.5 epochs", 200)]
)
def test_lengths_may_be_typed_with_a_unit(typed, steps):
    built = changed("warmup(5)", ("args", 0, "value"), {"raw": typed, "as": "length"})

    assert built.schedule is not None
    assert built.schedule.steps == steps


@pytest.mark.parametrize("typed", ["-5", "1.5", "five", "nan", "inf", "1e400", "", "1e17"])
def test_a_refused_length_stands_at_its_control(typed):
    built = changed("cosine(10) >> warmup(5)", ("parts", 1, "args", 0, "value"), {"raw": typed, "as": "length"})

    assert built.schedule is None
    assert built.problems[0]["path"] == "parts.1"
    assert built.problems[0]["field"] == "steps"
    assert " must be " in built.problems[0]["message"]


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"t": "call"},
        {"t": "op", "op": "**", "parts": []},
        {"t": "x"},
        {"t": "call", "lib": "", "word": 3, "args": []},
    ],
)
def test_what_is_no_tree_is_refused(bad):
    assert build(bad, BUDGET).schedule is None


def test_a_deep_tree_is_refused():
    tree = {"t": "num", "value": 1}
    for _ in range(3000):
        tree = {"t": "op", "op": "*", "parts": [tree]}

    assert build(tree, BUDGET).schedule is None
    with pytest.raises(GlidepathError, match="must be"):
        text_of(tree)


def test_more_parts_than_controls_still_make_a_curve():
    text = " >> ".join(["linear(10)"] * 450)

    assert tree_of(text) is None


@pytest.mark.parametrize(
    "text", ["warmup_cosine(2000, warmup=100)", "warmup(500) >> hold(1000) >> linear(700)", "wsd(77, warmup=5)"]
)
def test_a_schedule_is_fitted_to_the_budget(text):
    fitted = parse(fit(Fit(text=text))["text"])

    assert fitted.duration == 10_000


def test_the_checker_speaks_while_one_types():
    found = details(Details(text="warmup(500, start=0) >> cosine(20000)"))

    assert any("first update" in note["message"] for note in found["warnings"])
    assert any("10000 updates" in note["message"] for note in found["warnings"])
    assert [note["zh"]["message"] for note in found["warnings"] if "must be" in note["zh"]["message"]] == []
    assert details(Details(text="warmup_cosine(10000, warmup=500)"))["warnings"] == []


@pytest.mark.parametrize(
    ("budget", "updates"),
    [
        (Budget(), 10_000),
        (Budget(samples=1000, batch=100, epochs=3), 30),
        (Budget(samples=1000, batch=10, accumulation=5, processes=2, epochs=1), 10),
        (Budget(epochs=None, tokens=1e9, batch=100, tokens_per_sample=1000), 10_000),
    ],
)
def test_budgets_come_to_updates(budget, updates):
    assert budget.settled().updates == updates


def test_a_length_without_a_unit_is_none():
    assert length_of("500", BUDGET) is None
    assert length_of("5 %", BUDGET) == 500
