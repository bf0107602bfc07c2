"""What is written for other tools is read back with the same rates, or refused with what can be said instead."""

import contextlib
import importlib.util
import json
import logging
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.strategies import trees

import glidepath as gp
from glidepath import GlidepathError, dialects
from glidepath.dialects.configs import read_config
from glidepath.dialects.converting import targets
from glidepath.dialects.write_targets import TARGETS

FILES = {"mmengine": "a.py", "deepspeed": "ds.json", "megatron": "run.sh"}
DECAYS = ["linear({n})", "linear({n}, floor=0.1)", "cosine({n})", "cosine({n}, floor=0.1)", "polynomial({n}, power=2)", "hold()",
          "step({n})", "multistep([{n}, 90])", "exponential(0.99)", "one_minus_sqrt({n})"]  # fmt: skip
shapes = st.builds(
    lambda warm, start, hold, decay, n: " >> ".join(
        part
        for part in (
            f"ramp({start}, 1, {warm})" if warm else "",
            f"hold({hold})" if hold else "",
            decay.format(n=n),
        )
        if part
    ),
    st.sampled_from([0, 1, 7, 30]),
    st.sampled_from([0.0, 0.125, 0.1]),
    st.sampled_from([0, 0, 1, 20]),
    st.sampled_from(DECAYS),
    st.integers(2, 80),
)


def read_back(target, code, folder):
    if target in FILES:
        file = folder / FILES[target]
        file.write_text(code)
        open_end = target == "megatron" and "--train-iters" not in code
        return read_config(file, **({"total": 10_000} if open_end else {})).schedule
    base = re.search(r"base_lr = (\S+)", code)
    run = re.search(r't_max="(\d+ba)"', code)
    let = {"max_duration": run[1] if run else "1000ba"} if target == "composer" else None
    return dialects.read_text(code, framework=target, base_lr=float(base[1]) if base else None, let=let)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_what_a_tool_can_say_is_read_back_equal(target, tmp_path_factory):
    folder, said = tmp_path_factory.mktemp(target), []

    @settings(max_examples=60, deadline=None)
    @given(shapes, st.sampled_from([0.1, 3e-4]))
    @example("ramp(0, 1, 30) >> linear(50)", 0.1)  # some that DeepSpeed can say: few are drawn
    @example("ramp(0, 1, 7) >> linear(80)", 3e-4)
    @example("hold(1, value=0) >> ramp(0, 1, 29) >> hold()", 0.1)
    @example("hold(1, value=0) >> ramp(0, 1, 9) >> linear(40)", 0.1)
    def law(text, base):
        schedule = gp.parse(text)
        try:
            code = dialects.render(schedule, target, base_lr=base)
        except dialects.NotExpressible:
            return
        said.append(text)
        end = re.search(r"the run has (\d+) updates", code)
        back = read_back(target, code, folder)
        for step in range(int(end[1]) + 1 if end else 200):
            assert back(step) == pytest.approx(base * schedule(step), rel=1e-9, abs=1e-12 * base), (text, step, code)

    law()
    assert len(said) > 3


@pytest.mark.parametrize("framework", ["pytorch", "oneflow", "keras", "optax", "python"])
@settings(max_examples=25, deadline=None)
@given(tree=trees(nodes=8, without=("rate", "custom", "recurrence")).filter(lambda tree: not tree.absolute))
def test_code_of_a_library_is_read_back_equal(framework, tree):
    try:
        code = dialects.render(tree, framework, base_lr=0.1)
    except dialects.NotExpressible:
        return
    base = re.search(r"base_lr = (\S+)", code)
    back = dialects.read_text(
        code, framework=framework if base or "schedulers." in code else None, base_lr=float(base[1]) if base else None
    )
    for step in (0, 1, 2, 3, 5, 8, 13, 40, 97, 1000):
        assert back(step) == pytest.approx(0.1 * tree(step), rel=1e-9, abs=1e-9 * max(1.0, abs(tree(0)))), step


def test_code_that_was_changed_is_not_taken_at_its_word():
    code = dialects.render("sgdr(5, growth=2)", "optax", base_lr=0.1)
    assert code.startswith("# glidepath: ")
    assert dialects.read_text(code)(6) == pytest.approx(0.1 * gp.parse("sgdr(5, growth=2)")(6))
    with pytest.raises(GlidepathError, match="code with a call of a scheduler in it"):
        dialects.read_text(code.replace("0.1", "0.2").replace("# glidepath: 0.2", "# glidepath: 0.1"))


def test_the_nearest_is_named_and_a_rate_is_asked_for():
    with pytest.raises(
        dialects.NotExpressible,
        match=r"the nearest that can be said: warmup\(500, start=0\) >> cosine\(9500, floor=0\.1\)",
    ):
        dialects.render("warmup(500) >> cosine(9500, floor=0.1)", "transformers", base_lr=0.1)
    for target in ("mmengine", "deepspeed", "megatron"):
        with pytest.raises(GlidepathError, match="render: base_lr must be given"):
            dialects.render("hold()", target)
    assert "base_lr" not in dialects.render("linear(100)", "transformers")


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_nearest_can_be_said(target):
    told = 0
    for text in (
        "warmup(50) >> hold(20) >> cosine(300, floor=0.1)",
        "ramp(0.25, 1, 40) >> linear(200, floor=0.2)",
        "ramp(0, 1, 7) >> repeat(cosine(60) >> ramp(0, 1, 60, curve='cosine'))",
        "hold(30) >> polynomial(100, power=3)",
    ):
        with contextlib.suppress(dialects.NotExpressible):
            dialects.render(text, target, base_lr=0.5)
            continue
        bare = text.startswith("hold") and target == "deepspeed"  # which has no decay without a warmup
        match = "pytorch, optax" if bare else "the nearest that can be said: "
        with pytest.raises(dialects.NotExpressible, match=match) as error:
            dialects.render(text, target, base_lr=0.5)
        if bare:
            continue
        near = str(error.value).partition("the nearest that can be said: ")[2].partition("; pytorch, optax")[0]
        assert dialects.render(near, target, base_lr=0.5), near
        told += 1
    assert told or target == "timm"


@pytest.mark.parametrize("command", ["convert", "export"])
def test_the_help_names_every_target(command):
    from glidepath.cli import schedules

    text = " ".join(getattr(schedules, command).__doc__.split())
    assert [target for target in targets() if not re.search(rf"\b{target}\b", text)] == []


# Run by the tool itself, or by a stand-in with its signature ----------------------------------------------------------------------------

CLOCK = "warmup_t=0, warmup_lr_init=0.0, warmup_prefix=False, t_in_epochs=True, noise_range_t=None"
CYCLE = "lr_min=0.0, cycle_mul=1.0, cycle_decay=1.0, cycle_limit=1"
WINDOW = "begin=0, end=10**9, last_step=-1, by_epoch=True, verbose=False"
SIGNATURES = {
    # timm 1.0.31
    "CosineLRScheduler": f"optimizer, t_initial, {CYCLE}, {CLOCK}, k_decay=1.0, initialize=True",
    "PolyLRScheduler": f"optimizer, t_initial, power=0.5, {CYCLE}, {CLOCK}, k_decay=1.0, initialize=True",
    "StepLRScheduler": f"optimizer, decay_t, decay_rate=1.0, {CLOCK}, initialize=True",
    "MultiStepLRScheduler": f"optimizer, decay_t, decay_rate=1.0, {CLOCK}, initialize=True",
    "WSDLRScheduler": "optimizer, t_initial, decay_t, lr_min=0.0, stable_fn='constant', stable_timescale=None, stable_power=0.5, "
    "decay_fn='1-sqrt', decay_power=0.5, decay_ratio=0.1, warmup_t=0, warmup_lr_init=0.0, t_in_epochs=True",
    # Composer 0.32.1
    "StepScheduler": "step_size, gamma=0.1",
    "MultiStepScheduler": "milestones, gamma=0.1",
    "ConstantScheduler": "alpha=1.0, t_max='1dur'",
    "LinearScheduler": "alpha_i=1.0, alpha_f=0.0, t_max='1dur'",
    "ExponentialScheduler": "gamma, decay_period='1ep'",
    "CosineAnnealingScheduler": "t_max='1dur', alpha_f=0.0",
    "PolynomialScheduler": "power, t_max='1dur', alpha_f=0.0",
    "MultiStepWithWarmupScheduler": "t_warmup, milestones, gamma=0.1, scale_warmup=False",
    "ConstantWithWarmupScheduler": "t_warmup, alpha=1.0, t_max='1dur', scale_warmup=False",
    "LinearWithWarmupScheduler": "t_warmup, alpha_i=1.0, alpha_f=0.0, t_max='1dur', scale_warmup=False",
    "CosineAnnealingWithWarmupScheduler": "t_warmup, t_max='1dur', alpha_f=0.0, scale_warmup=False",
    "PolynomialWithWarmupScheduler": "t_warmup, power=2.0, t_max='1dur', alpha_f=0.0, scale_warmup=False",
    # MMEngine 0.10.7, without the optimizer
    "LinearLR": f"start_factor=1 / 3, end_factor=1.0, {WINDOW}",
    "CosineAnnealingLR": f"T_max=None, eta_min=None, {WINDOW}, eta_min_ratio=None",
    "PolyLR": f"eta_min=0, power=1.0, {WINDOW}",
    "MultiStepLR": f"milestones, gamma=0.1, {WINDOW}",
    "StepLR": f"step_size, gamma=0.1, {WINDOW}",
    "ExponentialLR": f"gamma, {WINDOW}",
}
OPTIONS = {
    "lr",
    "min-lr",
    "lr-warmup-init",
    "lr-warmup-iters",
    "lr-decay-iters",
    "lr-decay-style",
    "lr-wsd-decay-iters",
    "lr-wsd-decay-style",
    "train-iters",
}  # fmt: skip - of Megatron-LM's arguments.py
WRITTEN = [
    "hold()",
    "ramp(0.25, 1, 7) >> hold()",
    "linear(40)",
    "linear(40, floor=0.25)",
    "cosine(40)",
    "cosine(40, floor=0.25)",
    "polynomial(40, power=3)",
    "step(9)",
    "multistep([9, 20])",
    "exponential(0.9)",
    "repeat(cosine(20), 2)",
    "hold(7) >> one_minus_sqrt(30)",
    "ramp(0, 1, 7) >> inverse_sqrt(7)",
    "ramp(0, 1, 7) >> cosine(30)",
    "ramp(0.25, 1, 7) >> cosine(30, floor=0.25)",
    "ramp(0, 1, 7) >> linear(30)",
    "ramp(0.25, 1, 7) >> linear(30, floor=0.25)",
    "ramp(0, 1, 7) >> polynomial(30, power=2)",
    "ramp(0.25, 1, 7) >> hold(9) >> cosine(30)",
    "ramp(0, 1, 7) >> hold(9) >> linear(30, floor=0.25)",
    "ramp(0, 1, 7) >> multistep([9, 20])",
    "ramp(0, 1, 7) >> step(9)",
    "hold(1, value=0.25) >> ramp(0.25, 1, 7) >> linear(30, floor=0.25)",
    "hold(1, value=0.25) >> ramp(0.25, 1, 7) >> hold()",
    "hold(1, value=0) >> ramp(0, 1, 7) >> shift(cosine(30, floor=0.1), -1)",
]


def stand_in(name):
    """A class that takes what the tool's own takes, and nothing else."""
    scope: dict = {}
    exec(f"def {name}({SIGNATURES[name]}): return 'made'", scope)
    return scope[name]


def stepped(scheduler, optimizer, count):
    rates = []
    for _ in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def deepspeed_classes(monkeypatch):
    """DeepSpeed's own file of schedulers, without the rest of it."""
    folder = Path(next(iter(importlib.util.find_spec("deepspeed").submodule_search_locations)))
    utils = ModuleType("deepspeed.utils")
    utils.logger = logging.getLogger("deepspeed")
    monkeypatch.setitem(sys.modules, "deepspeed", ModuleType("deepspeed"))
    monkeypatch.setitem(sys.modules, "deepspeed.utils", utils)
    spec = importlib.util.spec_from_file_location("deepspeed_lr_schedules", folder / "runtime/lr_schedules.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_what_is_written_runs(target, monkeypatch):
    torch = pytest.importorskip("torch")
    own = None
    if target == "deepspeed":
        pytest.importorskip("deepspeed")
        own = deepspeed_classes(monkeypatch)
    for module in ("timm", "timm.scheduler", "composer", "composer.optim"):
        fake = ModuleType(module)
        for name in SIGNATURES:
            setattr(fake, name, stand_in(name))
        monkeypatch.setitem(sys.modules, module, fake)
    seen = set()
    for text in WRITTEN:
        try:
            code = dialects.render(text, target, base_lr=0.5)
        except dialects.NotExpressible:
            continue
        scope: dict = {}
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5, momentum=0.9)
        expected = [0.5 * gp.parse(text)(step) for step in range(38)]
        if target == "transformers":
            exec(code, scope)
            assert stepped(scope["make_scheduler"](optimizer), optimizer, 38) == pytest.approx(expected, abs=1e-12), (
                text
            )
            seen.add(re.findall(r"get_scheduler[(]\s*.([a-z_]+)", code)[0])
        elif target == "deepspeed":
            chosen = json.loads(code)["scheduler"]
            made = getattr(own, chosen["type"])(optimizer, **chosen["params"])
            assert stepped(made, optimizer, 38) == pytest.approx(expected, abs=1e-12), (text, code)
            seen.add(chosen["type"])
        elif target == "megatron":
            assert set(re.findall(r"--([a-z-]+)", code)) <= OPTIONS
            seen.add(" ".join(re.findall(r"style (\S+)", code)))
        elif target == "mmengine":
            exec(code, scope)
            for part in scope["param_scheduler"]:
                seen.add(part["type"])
                assert stand_in(part["type"])(**{key: value for key, value in part.items() if key != "type"}) == "made"
        else:
            exec(code, scope)
            assert (scope["make_scheduler"](optimizer) if target == "timm" else scope["scheduler"]) == "made"
            seen |= {name for name in SIGNATURES if re.search(rf"\b{name}\b", code)}
    assert len(seen) >= {"deepspeed": 3, "timm": 5, "composer": 10, "mmengine": 6}.get(target, 5), seen
