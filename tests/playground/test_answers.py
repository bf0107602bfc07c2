"""What the page is answered, without a server: by the code that also runs in the browser."""

import json
import subprocess
import sys
import threading

import pytest

from glidepath import parse
from glidepath.core.errors import GlidepathError
from glidepath.playground import answers, exports
from glidepath.playground.answers import ANSWERS, SHAPES, answer
from glidepath.playground.asked import Budget, length_of, number_of

ASKED = {
    "look": {"text": "cosine(10)", "pins": ["linear(7)"]},
    "at": {"texts": ["cosine(10)"], "step": 3},
    "measures": {"texts": ["cosine(10)", "wsd(300000)"], "last": 300_000, "at": [7]},
    "details": {"text": "warmup_cosine(10000, warmup=500)"},
    "fit": {"text": "cosine(10)", "pins": ["linear(7)"]},
    "code": {"text": "cosine(10)", "target": "pytorch"},
    "export": {"format": "csv", "texts": ["cosine(10)"], "last": 9},
    "plateau": {"values": "1, 0.9, 0.9"},
    "link": {"texts": ["cosine(400)"]},
    "limits": {
        "tree": {"t": "call", "lib": "", "word": "cosine", "args": [{"name": "steps", "value": 10}]},
        "rows": [{"path": "", "field": "steps", "value": 10, "low": 1, "high": 50, "whole": True}],
    },
}

ALONE = """
import json, sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "pydantic", "fastapi", "starlette", "matplotlib", "typer"):
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Nothing())
from glidepath.playground.answers import answer, start
start()
for path, body in json.loads(sys.stdin.read()).items():
    found = answer(path, json.dumps(body))
    assert found.status == 200, (path, found.body)
print(sorted({"numpy", "pydantic"} & set(sys.modules)))
"""


def said(path, **body):
    found = answer(path, json.dumps(body))
    return found.status, json.loads(found.body)


def test_every_answer_is_given_without_numpy_and_pydantic():
    assert set(ASKED) == set(ANSWERS)
    made = subprocess.run(
        [sys.executable, "-c", ALONE], input=json.dumps(ASKED), capture_output=True, text=True, check=False
    )
    assert made.stdout.strip() == "[]", made.stderr


def test_every_problem_of_a_request_is_told_at_once_with_its_field():
    status, found = said("look", text=3, base="abc", budget={"samples": 0, "batch": "12x"}, more=1)

    assert status == 422
    assert [row["field"] for row in found["problems"]] == ["more", "text", "samples", "batch", "base"]
    assert all(" must be " in row["message"] for row in found["problems"])
    assert said("at", texts=["cosine(10)"])[1]["problems"][0]["message"] == "at: step must be given, got nothing"
    assert said("nowhere")[0] == 404


@pytest.mark.parametrize("base", ["0,0003", "2e6", "abc", "0", "-1", "nan", "inf", "", "0x10", "1e999", None, True])
def test_a_base_rate_that_is_none_is_refused_by_name(base):
    status, found = said("look", text="cosine(10)", base=base)

    assert status == 422
    (problem,) = found["problems"]
    assert problem["field"] == "base"
    assert "base must be a number above 0 and at most 1e+06, got" in problem["message"]
    assert ("write 0.0003" in problem["message"]) == (base == "0,0003")


@pytest.mark.parametrize(("typed", "value"), [("3e-4", 3e-4), (" 1,000 ", 1000.0), ("０.５", 0.5), (2, 2.0)])
def test_a_base_rate_may_come_as_it_was_typed(typed, value):
    status, found = said("look", text="cosine(10)", base=typed, sampled=False)

    assert (status, found["curve"]["factor"]) == (200, value)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1,000", 1000),
        ("12,345,678", 12_345_678),
        ("1,000.5", 1000.5),
        ("１０００", 1000),
        ("１，０００", 1000),
        ("−2", -2),
        ("1e4", 10_000),
        ("1_000", 1000),
        (".5", 0.5),
        ("+3", 3),
        ("0x10", None),
        ("0b1", None),
        ("1,00", None),
        ("0,001", None),
        ("1 000", None),
        ("True", None),
        ("nan", None),
        ("1e99999", None),
        ("", None),
        ("1__0", None),
    ],
)
def test_numbers_are_read_as_the_page_prints_them(typed, value):
    assert number_of(typed) == value
    assert type(number_of(typed)) is type(value)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("3000, 6000", "multistep([3000, 6000])"),
        ("3,000, 6,000", "multistep([3000, 6000])"),
        ("3000,6000", "multistep([3000, 6000])"),
        ("３０００；６０００", "multistep([3000, 6000])"),
        ("[10%, 50%]", "multistep([1000, 5000])"),
    ],
)
def test_lists_are_read_with_and_without_thousands(typed, text):
    tree = {
        "t": "call",
        "lib": "",
        "word": "multistep",
        "args": [{"name": "milestones", "value": {"raw": typed, "as": "list"}}],
    }
    assert said("look", tree=tree)[1]["text"] == text


def test_a_box_with_hexadecimal_digits_is_refused_at_its_place():
    tree = {
        "t": "call",
        "lib": "",
        "word": "cosine",
        "args": [{"name": "steps", "value": {"raw": "0x10", "as": "length"}}],
    }
    _, found = said("look", tree={"t": "op", "op": ">>", "parts": [tree, tree]})

    assert [(row["path"], row["field"]) for row in found["problems"]] == [("parts.0", "steps"), ("parts.1", "steps")]
    assert "a number of steps such as 500, 5% or 2ep, got '0x10'" in found["problems"][0]["message"]


def test_pins_are_fitted_with_the_curve():
    status, found = said("fit", text="cosine(10)", pins=["linear(7)", "constant()", "nonsense("], budget={"epochs": 1})

    assert status == 200
    assert found == {"text": "cosine(400)", "pins": ["linear(400)", "constant()", "nonsense("]}


def test_the_start_holds_twelve_shapes_with_their_programs():
    made = answers.start()

    assert [shape["name"] for shape in made["shapes"]] == list(SHAPES)
    assert len(SHAPES) == 12
    for shape in made["shapes"]:
        assert shape["look"]["ok"]
        assert shape["look"]["curve"]["program"]
        assert "values" not in shape["look"]["curve"]
    assert made["picture"].startswith("<svg")
    assert made["budget"] == json.loads(json.dumps(Budget().settled().to_dict() | {"lines": ()})) | {
        "lines": made["budget"]["lines"]
    }


def test_a_curve_has_points_where_it_has_no_program_and_where_they_are_wanted():
    replayed = 'pytorch.MultiplicativeLR(lr_lambda="lambda step: 0.9997")'
    curve = said("look", text=replayed, sampled=False)[1]["curve"]
    assert curve["program"] is None
    assert curve["values"]
    assert "values" in said("look", text="cosine(10)")[1]["curve"]
    assert said("look", text="step(2500)", base=0.1, sampled=False)[1]["curve"] == {
        "program": said("look", text="step(2500)")[1]["curve"]["program"],
        "factor": 0.1,
        "knots": [2500, 5000, 7500, 10000],
        "until": 10000.0,
        "unit": "learning rate",
    }


def test_many_threads_may_ask_at_once():
    """Python 3.11's parser fails when several threads parse at a time: a reader of text holds a lock."""
    failed: list[BaseException] = []
    texts = [" + ".join([f"{k} * cosine({10 + k})"] * 40) for k in range(1, 9)]

    def work(text):
        try:
            for _ in range(6):
                assert json.loads(answer("look", json.dumps({"text": text, "sampled": False})).body)["ok"]
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
            failed.append(error)

    threads = [threading.Thread(target=work, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize("body", ["", "{", "[]", '{"text": NaN}', b"\xff\xfe", "[" * 100_000, '"x"'])
def test_what_is_no_request_is_refused_in_a_sentence(body):
    found = answer("look", body)
    assert found.status == 422
    assert " must be " in json.loads(found.body)["problems"][0]["message"]


def test_the_base_is_in_the_code_once():
    schedule = parse("warmup_cosine(1000, warmup=50)")
    for target in ("python", "keras", "optax", "glidepath"):
        written = said("code", text=str(schedule), target=target, base="0.003")[1]["code"]
        names = {"__name__": "copied"}
        if target in ("python", "glidepath"):
            exec(compile(written, "copied", "exec"), names)
            assert names["schedule"](500) == pytest.approx(0.003 * schedule(500), rel=1e-12)
    torch = said("code", text=str(schedule), target="pytorch", base="0.003")[1]["code"]
    assert torch.count("0.003") == 1
    with pytest.raises(GlidepathError, match="base must be"):
        exports.Code.of({"text": "cosine(10)", "target": "pytorch", "base": 0})


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("StepLR(step_size=7)", "pytorch.StepLR(step_size=7)"),
        ("scheduler = StepLR(optimizer, 30)", "pytorch.StepLR(30)"),
        ("torch.optim.lr_scheduler.StepLR(7)", "pytorch.StepLR(7)"),
        (
            "import torch\nopt = torch.optim.SGD(ps, lr=0.2)\nS = CosineAnnealingLR(opt, T_max=9)",
            "pytorch.CosineAnnealingLR(T_max=9)",
        ),
        ("get_cosine_schedule_with_warmup(optimizer, 10, 90)", "transformers.get_cosine_schedule_with_warmup(10, 90)"),
        ("LambdaLR(optimizer, lambda e: 0.95 ** e)", "pytorch.LambdaLR(lambda step: 0.95 ** step)"),
        ("warmup(5) >> cosine(5)", "warmup(5) >> cosine(5)"),
    ],
)
def test_a_call_is_taken_as_people_write_it(typed: str, shown: str):
    seen = said("look", text=typed)[1]

    assert (seen["ok"], seen["problems"]) == (True, [])
    assert seen["text"] == shown
    assert said("look", text=shown)[1]["text"] == shown
    assert said("at", texts=[shown], step=3)[1]["values"][0] is not None


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("StepLR(optimizer, N)", "must be known, got N"),
        ("StepLR(o, 3)\nStepLR(o, 5)", "must be one scheduler call, got 2 of them"),
        ("ReduceLROnPlateau(optimizer)", "a scheduler of the step"),
        ("nonsense(3)", "must be a known word"),
    ],
)
def test_what_is_no_single_call_says_why(typed: str, words: str):
    seen = said("look", text=typed)[1]

    assert not seen["ok"]
    assert words in seen["problems"][0]["message"]


@pytest.mark.parametrize(
    ("word", "symbols"),
    [
        ("pytorch.StepLR", {"step_size": "T", "gamma": "γ"}),
        ("pytorch.LinearLR", {"start_factor": "a", "end_factor": "b", "total_iters": "T"}),
        ("keras.PolynomialDecay", {"initial_learning_rate": "a", "end_learning_rate": "b", "decay_steps": "T"}),
        ("ignite.LRScheduler", {}),  # its base_lr is 0.1 as the factor is, by chance
    ],
)
def test_a_class_of_a_library_has_the_formula_of_what_it_comes_to(word, symbols):
    entry = answers.words()["words"][word]

    assert "<math" in entry["formula"]
    assert {each["name"]: each["symbol"] for each in entry["args"] if "symbol" in each} == symbols
    assert sum(bool(one["formula"]) for name, one in answers.words()["words"].items() if "." in name) > 100


def test_lengths_with_units_are_of_the_budget():
    settled = Budget(epochs=4.0, samples=1000, batch=10).settled()

    assert [length_of(text, settled) for text in ("5%", "2ep", "1.5 epochs", "3k", "20")] == [20, 200, 150, 3000, None]
