"""The tables of the libraries: recorded rates of their own code, an example of every row, whose a name is, and objects in memory."""

import inspect
import json
import math
import re
from pathlib import Path

import pytest

from glidepath import GlidepathError, Rate, dialects, parse
from glidepath.dialects.table import CallSite, Dialect, candidates, known
from glidepath.view.examples import LIBRARIES, arguments_of

RECORDED = json.loads((Path(__file__).parents[2] / "spec/golden/words.json").read_text(encoding="utf-8"))["rows"]
ROWS = [(library, name) for library in dialects.libraries() for name in dialects.names(library)]


def told(error) -> str:
    return str(error.value)


@pytest.mark.parametrize("library", sorted({row["library"] for row in RECORDED}))
def test_every_library_s_recorded_rates_are_ours(library):
    for row in RECORDED:
        if row["library"] != library:
            continue
        options = {"base_lr": row["base"], "strict": row.get("strict", True)}
        if "call" in row:
            made = dialects.read_text(row["call"], framework=library, **options)
        else:
            made = dialects.load(library, row["scheduler"], row["arguments"], value=row.get("value", "lr"), **options)
        ours = [made(step) for step in row["steps"]]
        assert ours == pytest.approx(row["values"], rel=1e-10, abs=1e-12), row


def test_every_recorded_library_has_every_one_of_its_rows_recorded():
    recorded = {(row["library"], row.get("scheduler", "").rpartition(".")[2]) for row in RECORDED}
    aside = re.compile(r"ParamScheduler$|Calculator$|LRMultiplier|Warmup(MultiStep|Cosine)LR")
    for library in (
        "timm",
        "mmengine",
        "composer",
        "deepspeed",
        "megatron",
        "olmo_core",
        "nemo",
        "fairseq",
        "torchtitan",
    ):
        for name in dialects.names(library):
            assert (library, name) in recorded or (library in ("mmengine", "megatron") and aside.search(name)), name


@pytest.mark.parametrize(("library", "name"), [row for row in ROWS if row[0] in LIBRARIES])
def test_every_row_says_what_it_is_and_has_an_example_that_loads(library, name):
    assert inspect.getdoc(known(library).readers[name])
    arguments = arguments_of(library, name)
    if name in ("lr_config", "train.noisy_linear_cosine_decay"):  # a shape with any arguments, and noise
        return
    assert arguments is not None, f"{library} {name} has no example"
    made = dialects.load(library, name, arguments)
    assert math.isfinite(made(0))
    assert math.isfinite(made(10_000))
    if name == "NoamDecay":  # a call of it begins with a rate of 1
        return
    again = dialects.read_text(made.origin.partition(" ")[2], framework=library) if made.origin else made
    assert [again(step) for step in (0, 7, 999, 5000)] == [made(step) for step in (0, 7, 999, 5000)]


def test_a_row_is_all_that_a_class_costs(monkeypatch):
    from glidepath import Step
    from glidepath.dialects import pieces, table

    demo = Dialect("demo", title="Demo", follows="1.0", modules=("demo.schedulers",))
    monkeypatch.setitem(table._dialects, "demo", demo)
    demo.row(
        "DropLR(every: steps, factor: positive = 0.5, shape: 'stairs' | 'none' = 'stairs')",
        "One more factor every so many steps.",
        lambda a: pieces.scaled(Step(a.every, a.factor), a.lr),
    )
    assert [dialects.read_text("demo.schedulers.DropLR(optimizer, 3)", base_lr=2.0)(step) for step in (0, 3, 6)] == [
        2.0,
        1.0,
        0.5,
    ]
    assert dialects.load("demo", "DropLR", {"every": 3}) == dialects.read_text("DropLR(optimizer, every=3)")
    assert [candidate.framework for candidate in candidates("DropLR")] == ["demo"]
    with pytest.raises(GlidepathError, match="demo DropLR: every must be an integer from 1") as error:
        dialects.load("demo", "DropLR", {"every": 0, "factor": -1, "shape": "stair"})
    assert "factor must be a finite number above 0" in told(error)
    assert "got 'stair' (did you mean 'stairs'?)" in told(error)
    assert demo.signature("DropLR") == "(every, factor=0.5, shape='stairs')"


# Whose a name is ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("torch.optim.lr_scheduler.ConstantLR", "pytorch"),
        ("mmengine.optim.ConstantLR", "mmengine"),
        ("mmengine.optim.scheduler.lr_scheduler.ConstantLR", "mmengine"),
        ("oneflow.optim.lr_scheduler.StepLR", "oneflow"),
        ("flow.optim.lr_scheduler.StepLR", "oneflow"),
        ("optax.schedules.exponential_decay", "optax"),
        ("tf.train.exponential_decay", "tensorflow"),
        ("tf.compat.v1.train.exponential_decay", "tensorflow"),
        ("tf.keras.optimizers.schedules.ExponentialDecay", "keras"),
        ("tf.optimizers.schedules.ExponentialDecay", "keras"),
        ("composer.optim.CosineAnnealingScheduler", "composer"),
        ("ignite.handlers.CosineAnnealingScheduler", "ignite"),
        ("timm.scheduler.CosineLRScheduler", "timm"),
        ("deepspeed.runtime.lr_schedules.WarmupLR", "deepspeed"),
        ("lr.PolynomialDecay", "paddle"),
        ("lr_scheduler.StepLR", "pytorch"),
        ("get_scheduler", "transformers"),
    ],
)
def test_a_name_means_what_its_module_says(name, library):
    assert candidates(name)[0].framework == library


@pytest.mark.parametrize(
    "name",
    ["mypkg.CosineDecay", "torch.nn.StepLR", "keras.layers.CosineDecay", "x.y.get_scheduler"],
)
def test_a_name_in_a_module_that_is_nobody_s_is_nobody_s(name):
    assert candidates(name) == []
    with pytest.raises(GlidepathError, match="is no module of theirs: if it is, write"):
        dialects.read_text(f"{name}(optimizer, 3)")


def test_a_bare_name_is_taken_for_the_library_whose_arguments_fit_and_said_to_be():
    (deepspeed,) = dialects.read_calls("WarmupLR(optimizer, warmup_min_lr=0.0, warmup_num_steps=10)")
    (detectron,) = dialects.read_calls("WarmupCosineLR(optimizer, max_iters=100, warmup_iters=10)")
    (torch,) = dialects.read_calls("StepLR(optimizer, 30)")
    (sure,) = dialects.read_calls("from torch.optim.lr_scheduler import StepLR\nStepLR(optimizer, 30)")
    assert (deepspeed.library.framework, detectron.library.framework) == ("deepspeed", "fvcore")
    assert torch.notes[0].startswith("StepLR is read as PyTorch's; write oneflow.optim.lr_scheduler.")
    assert sure.notes == ()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        ("optax.cosine_decay(0.1, 10)", "optax: name must be a known scheduler, got 'optax.cosine_decay'"),
        (
            "timm.scheduler.CosineLRScheduler(optimizer, t_initial=0)",
            "timm CosineLRScheduler: t_initial must be a number of steps above 0",
        ),
        (
            "transformers.get_linear_schedule_with_warmup(o, warmup=3)",
            "transformers get_linear_schedule_with_warmup: warmup must be one of",
        ),
    ],
)
def test_errors_speak_of_the_library_that_was_named(call, match):
    with pytest.raises(GlidepathError, match=re.escape(match)):
        dialects.read_text(call)
    with pytest.raises(GlidepathError, match=re.escape(match)):
        parse(call)


@pytest.mark.parametrize("noisy", [{"noise_range_t": [1, 5]}, {"noise_range_t": 3}])
def test_noise_is_refused(noisy):
    with pytest.raises(GlidepathError, match="noise_range_t must be None: noise drawn at random is no schedule"):
        dialects.load("timm", "CosineLRScheduler", {"t_initial": 10, **noisy})


def test_a_missed_restart_is_mended_and_followed_without_strict():
    arguments = {"t_initial": 2, "cycle_mul": 3.0, "cycle_limit": 10}
    mended, followed = (
        dialects.load("timm", "CosineLRScheduler", arguments, strict=strict) for strict in (True, False)
    )
    assert mended(242) == 0.1
    assert followed(242) == pytest.approx(0.0, abs=1e-12)
    assert [mended(step) for step in range(60)] == pytest.approx([followed(step) for step in range(60)], abs=1e-15)


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("OneCycleLR", {"max_lr": -1, "total_steps": 10}, "max_lr"),
        ("CyclicLR", {"base_lr": 0.5, "max_lr": -1}, "max_lr"),
        ("CosineAnnealingLR", {"T_max": 10, "eta_min": -1}, "eta_min"),
    ],
)
def test_rates_below_zero_are_refused_by_dialect_and_drop_in(name, arguments, field):
    torch = pytest.importorskip("torch")
    from glidepath.torch import lr_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    for make in (
        lambda: dialects.load("pytorch", name, arguments),
        lambda: getattr(lr_scheduler, name)(optimizer, **arguments),
    ):
        with pytest.raises(GlidepathError, match=rf"{field} must be a finite number from 0 .*got -1"):
            make()
    assert math.isfinite(dialects.load("pytorch", name, arguments, strict=False)(3))


# Objects in memory --------------------------------------------------------------------------------------------------------------------


def stepped(scheduler, optimizer, count: int = 25) -> list[float]:
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_constant_schedule", {}),
        ("get_constant_schedule_with_warmup", {"num_warmup_steps": 5}),
        ("get_linear_schedule_with_warmup", {"num_warmup_steps": 5, "num_training_steps": 20}),
        ("get_cosine_schedule_with_warmup", {"num_warmup_steps": 5, "num_training_steps": 20}),
        (
            "get_cosine_with_hard_restarts_schedule_with_warmup",
            {"num_warmup_steps": 5, "num_training_steps": 20, "num_cycles": 2},
        ),
        ("get_polynomial_decay_schedule_with_warmup", {"num_warmup_steps": 5, "num_training_steps": 20, "power": 2}),
        ("get_inverse_sqrt_schedule", {"num_warmup_steps": 5}),
        (
            "get_cosine_with_min_lr_schedule_with_warmup",
            {"num_warmup_steps": 5, "num_training_steps": 20, "min_lr": 0.01},
        ),
        (
            "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
            {"num_warmup_steps": 5, "num_training_steps": 20, "min_lr": 0.01},
        ),
        (
            "get_wsd_schedule",
            {"num_warmup_steps": 5, "num_decay_steps": 6, "num_training_steps": 20, "min_lr_ratio": 0.1},
        ),
    ],
)
def test_a_scheduler_of_transformers_in_memory_is_read_from_what_it_holds(name, arguments):
    torch = pytest.importorskip("torch")
    optimization = pytest.importorskip("transformers.optimization")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = getattr(optimization, name)(optimizer, **arguments)
    made = dialects.from_live(scheduler)
    assert made.origin.startswith(f"transformers {name}(")
    assert [made(step) for step in range(25)] == pytest.approx(stepped(scheduler, optimizer), abs=1e-14)


@pytest.mark.parametrize(
    "make",
    [
        lambda own, p: own.ConstantLR(p, 0.5, 0),
        lambda own, p: own.ConstantLR(p, 0.0, 3),
        lambda own, p: own.LinearLR(p, 0.5, 1.0, 0),
        lambda own, p: own.SequentialLR(p, [own.StepLR(p, 2), own.SWALR(p, 0.05, anneal_epochs=4)], [5]),
        lambda own, p: own.SequentialLR(
            p,
            [
                own.LinearLR(p, 0.1, total_iters=3),
                own.SequentialLR(p, [own.StepLR(p, 2), own.ExponentialLR(p, 0.5)], [4]),
            ],
            [3],
        ),
    ],
)
def test_a_drop_in_in_memory_is_read_as_what_it_is(make):
    torch = pytest.importorskip("torch")
    from glidepath.torch import lr_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = make(lr_scheduler, optimizer)
    made = dialects.from_live(scheduler)
    assert [made(step) for step in range(25)] == pytest.approx(stepped(scheduler, optimizer), abs=1e-14)


def test_oneflow_s_drop_ins_in_memory_are_oneflow_s():
    torch = pytest.importorskip("torch")
    from glidepath.torch import oneflow

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = oneflow.WarmUpLR(oneflow.CosineDecayLR(optimizer, 10, alpha=0.1), warmup_iters=3)
    made = dialects.from_live(scheduler)
    assert made.origin.startswith("oneflow WarmUpLR(") or made.origin.startswith("oneflow WarmupLR(")
    assert [made(step) for step in range(25)] == pytest.approx(stepped(scheduler, optimizer), abs=1e-14)


def test_an_optax_schedule_in_memory_is_read_from_its_closure():
    pytest.importorskip("jax")
    optax = pytest.importorskip("optax")
    made = [
        optax.cosine_decay_schedule(0.1, 10, 0.1),
        optax.warmup_cosine_decay_schedule(0.0, 0.1, 5, 20),
        optax.piecewise_constant_schedule(0.1, {3: 0.1}),
        optax.cosine_onecycle_schedule(20, 0.1),
        optax.exponential_decay(0.1, 5, 0.5),
        optax.constant_schedule(0.3),
    ]
    for theirs in made:
        ours = dialects.from_live(theirs)
        assert [ours(step) for step in range(25)] == pytest.approx(
            [float(theirs(step)) for step in range(25)], abs=1e-7
        )


def test_the_schedule_of_an_object_of_ours_is_its_own():
    class Fake:
        __module__ = "glidepath.keras"
        schedule = parse("cosine(10)")

    assert dialects.from_live(Fake()) == Rate(parse("cosine(10)"))


def test_at_says_where_it_stands():
    at = CallSite(known("optax"), "linear_schedule", 1.0)
    with pytest.raises(GlidepathError, match="optax linear_schedule: a must be b, got 3"):
        at.require(False, "a", "b", 3)
