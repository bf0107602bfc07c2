"""One plan, whole: what an optimizer holds while its `step()` runs is what `plan.value(...)` says."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import glidepath as gp
from glidepath import GlidepathError
from glidepath.feedback import Plateau
from glidepath.plan import Plan, Progress, Rule
from glidepath.torch import ScheduleLR, apply, attach

TEXT = 'warmup("10%", start=0.01) >> cosine("rest", floor=0.1)'
RAMP = {"schedule": 'piecewise_constant(["15%", "60%"], [8, 24, 64])', "coupling": "sqrt"}


def sgd(rate=0.1, names=("a", "b"), **more):
    groups = [
        {"params": [torch.ones(1, requires_grad=True)], "lr": rate * (i + 1), "name": n} for i, n in enumerate(names)
    ]
    return torch.optim.SGD(groups, momentum=0.9, weight_decay=0.05, **more)


def watch(optimizer, *keys):
    """Record what every group holds while a step runs."""
    seen = []
    optimizer.register_step_post_hook(
        lambda o, *_: seen.append([[group[key] for key in keys] for group in o.param_groups])
    )
    return seen


RULES = st.sampled_from(
    [
        [Rule(TEXT)],
        [Rule(TEXT), Rule('ramp(1, 0.2, "60%")', "weight_decay", groups=("*", "!a"))],
        [Rule(TEXT, groups="a"), Rule('hold("30%") >> linear("rest")', groups="b", floor=0.002)],
        [Rule('rate(0.05 * linear("rest"))'), Rule('ramp(0.85, 0.95, "50%")', "momentum", absolute=True)],
    ]
)
FEEDBACK = st.lists(
    st.sampled_from(
        [
            {"controller": "plateau(factor=0.5, patience=0)"},
            {"controller": "plateau(factor=0.3, patience=1)", "after": "20%"},
            {"controller": "plateau(factor=0.7, patience=0)", "monitor": "error"},
            {"controller": Plateau(factor=0.5, patience=0, floors={"b": 0.6})},
            {"controller": "plateau(factor=0.5, patience=0)", "parameter": "weight_decay"},
        ]
    ),
    max_size=3,
)
COUNTS = st.one_of(st.none(), st.fixed_dictionaries({"samples": st.integers(0, 40), "tokens": st.integers(0, 120)}))
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("update"), COUNTS),
        st.tuples(st.just("observe"), st.floats(0.1, 2.0)),
        st.tuples(st.just("resume"), st.none()),
    ),
    min_size=5,
    max_size=30,
)


@settings(max_examples=60)
@given(
    rules=RULES,
    clock=st.sampled_from(["updates", "samples", "tokens", "epochs"]),
    feedback=FEEDBACK,
    ramp=st.booleans(),
    actions=ACTIONS,
    make=st.sampled_from([attach, ScheduleLR]),
)
def test_the_whole_plan_reaches_the_optimizer(rules, clock, feedback, ramp, actions, make):
    """Whatever is counted, observed and resumed."""
    driven = {rule.parameter for rule in rules}
    horizon = {"length": "400 samples", "samples": 20, "batch": 8, "tokens_per_sample": 3}
    batch = RAMP if ramp and clock in ("samples", "tokens") else None
    plan = Plan(rules, horizon, clock, [part for part in feedback if part.get("parameter", "lr") in driven], batch)
    bases = {"lr": (0.1, 0.2), "weight_decay": (0.05, 0.05), "momentum": (0.9, 0.9)}

    def build():
        optimizer = sgd()
        scheduler = make(optimizer, plan)
        return optimizer, scheduler, getattr(scheduler, "scheduler", scheduler), watch(optimizer, *bases)

    optimizer, bridge, scheduler, seen = build()
    progress, observed = plan.begin(), -1
    for action, argument in actions:
        if action == "update":
            each = plan.batch_size(int(plan.position(progress))) or 0
            consumed = argument or {"samples": each, "tokens": 3 * each}
            assert scheduler.batch_size == plan.batch_size(int(plan.position(progress)))
            if argument is not None:
                scheduler.count(**argument)
            assert scheduler.progress == progress
            optimizer.step()
            for group, row, i in zip("ab", seen[-1], range(2), strict=True):
                for (parameter, base), value in zip(bases.items(), row, strict=True):
                    found = [rule for rule in rules if rule.parameter == parameter and rule.matches(group)]
                    wanted = plan.value(progress, parameter, group, base[i]) if found else base[i]
                    assert value == wanted
            progress = progress.advanced(**consumed)
            if make is ScheduleLR:
                bridge.step()
        elif action == "observe" and observed < progress.updates and plan.feedback:
            observed = progress.updates
            for monitor in sorted({part.monitor for part in plan.feedback}):
                progress, decisions = plan.observe(progress, monitor, argument)
                assert scheduler.observe(monitor, argument) == decisions
        elif action == "resume":
            states = optimizer.state_dict(), json.loads(json.dumps(scheduler.state_dict()))
            optimizer, bridge, scheduler, seen = build()
            bridge.load_state_dict(states[1])
            optimizer.load_state_dict(states[0])
    assert scheduler.progress == progress


@pytest.mark.parametrize(
    "given",
    [
        lambda plan, _: plan,
        lambda plan, _: plan.to_yaml(),
        lambda plan, _: plan.to_json(),
        lambda plan, _: plan.to_dict(),
        lambda plan, folder: _written(plan.to_yaml(), folder / "plan.yaml"),
        lambda plan, folder: str(_written(plan.to_json(), folder / "plan.json")),
        lambda plan, _: plan.rules,
        lambda plan, _: plan.rules[0],
        lambda plan, _: {"lr": plan.rules[0].schedule},
        lambda plan, _: plan.rules[0].schedule,
    ],
)
def test_a_plan_is_taken_in_every_form(given, tmp_path):
    """A plan, its texts, its data, its file, its rules; where the horizon is not inside, `total` is it."""
    plan = Plan(TEXT, {"length": "200 updates"})
    made = given(plan, tmp_path)
    inside = isinstance(made, Plan) or "horizon" in str(made) or "json" in str(made) or "yaml" in str(made)
    optimizer = sgd()
    scheduler = attach(optimizer, made, **({} if inside else {"total": 200}))
    assert scheduler.plan == plan
    assert scheduler.plan.fingerprint == plan.fingerprint
    seen = watch(optimizer, "lr")
    for k in range(30):
        optimizer.step()
        assert seen[-1] == [[0.1 * plan.schedule()(k)], [0.2 * plan.schedule()(k)]]


def _written(text, path):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("total", "options", "length"),
    [
        (10_000, {}, 10_000),
        ("10000 steps", {}, 10_000),
        ("64000 samples", {"samples": 32}, 2000),
        ("1e6 tokens", {"samples": 10, "tokens": 1000}, 1000),
        ("1e6 tokens", {"tokens": 1000}, 1000),
        ({"length": "3 epochs", "samples": 1000, "batch": 10}, {}, 300),
        ("2 epochs", {"samples": 10}, None),
    ],
)
def test_total_in_every_unit(total, options, length):
    """Quoted durations are resolved against a total in any unit; one that cannot be counted is refused with what is missing."""
    if length is None:
        with pytest.raises(GlidepathError, match=r"give horizon\.length, and what it takes"):
            attach(sgd(), TEXT, total=total, **options)
        return
    optimizer = sgd()
    scheduler = attach(optimizer, {"lr": TEXT, "weight_decay": 'linear("50%")'}, total=total, **options)
    assert [rule.schedule for rule in scheduler.rules] == [
        gp.parse(f"warmup({length // 10}, start=0.01) >> cosine({length - length // 10}, floor=0.1)"),
        gp.linear(length // 2),
    ]


def test_a_text_that_needs_a_total_says_so():
    with pytest.raises(GlidepathError, match=r"give horizon\.length.*total="):
        attach(sgd(), TEXT)
    with pytest.raises(GlidepathError, match=r"attach: total must be given once: the plan is 9 steps long, got 10"):
        attach(sgd(), Plan(TEXT, {"length": "9 steps"}), total=10)
    with pytest.raises(GlidepathError, match=r"attach: absolute must be given in the rules of the plan, got True"):
        attach(sgd(), Plan(TEXT, {"length": "9 steps"}), absolute=True)
    with pytest.raises(GlidepathError, match=r"apply: plan must be without controllers.*use attach"):
        apply(sgd(), Plan("hold()", feedback="plateau(patience=2)"), 3)


def test_tokens_that_are_counted_move_a_clock_of_tokens():
    """A plan of 10,000 tokens, 400 counted an update: the 20th is made where 7,600 were seen."""
    plan = Plan("cosine(10000)", {"length": "10000 tokens", "batch": 16, "tokens_per_sample": 8}, "tokens")
    optimizer = sgd(names="a")
    scheduler = attach(optimizer, plan)
    for _ in range(20):
        scheduler.count(tokens=400)
        optimizer.step()
    assert optimizer.param_groups[0]["lr"] == plan.value(tokens=7600, base=0.1)
    assert scheduler.progress == Progress(20, 20 * 400 // 8, 8000)


def test_what_a_controller_decides_is_told_saved_and_used():
    """Five bad observations of a plateau come to 0.00625 where the schedule alone says 0.1."""
    optimizer, told = sgd(names="a"), []
    scheduler = attach(optimizer, Plan("hold()", feedback="plateau(factor=0.5, patience=0)"))
    stop = scheduler.on_decision(told.append)
    for loss in (1.0, 1.1, 1.1, 1.1, 1.1):
        optimizer.step()
        scheduler.observe("loss", loss)
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == 0.1 * 0.5**4
    assert [decision.action for decision in told] == ["first", "cut", "cut", "cut", "cut"]
    with pytest.raises(
        GlidepathError, match=r"monitor must be one that a controller listens to \(loss\), got 'accuracy'"
    ):
        scheduler.observe("accuracy", 1.0)
    stop()
    scheduler.observe("loss", 1.1)
    assert len(told) == 5
    other = sgd(names="a")
    resumed = attach(other, Plan("hold()", feedback="plateau(factor=0.5, patience=0)"))
    resumed.load_state_dict(scheduler.state_dict())
    other.step()
    assert other.param_groups[0]["lr"] == 0.1 * 0.5**5
    with pytest.raises(GlidepathError, match="monitor must be one that a controller listens to"):
        attach(sgd(), "hold()").observe("loss", 1.0)


def test_a_bridge_writes_what_was_observed_at_once():
    optimizer = sgd(names="a")
    scheduler = ScheduleLR(optimizer, Plan("hold()", feedback="plateau(factor=0.5, patience=0)"))
    for loss in (1.0, 1.1):
        optimizer.step()
        scheduler.step()
        scheduler.scheduler.observe("loss", loss)
    assert scheduler.get_last_lr() == [0.05]


@pytest.mark.parametrize("batch", [None, RAMP], ids=["constant", "ramp"])
@pytest.mark.parametrize("clock", ["samples", "tokens"])
@pytest.mark.parametrize("begin", [0, 7, 300, 599, 600, 2401, 4000])
def test_a_plan_goes_on_from_any_progress(clock, batch, begin):
    plan = Plan(TEXT, {"length": "4000 samples", "batch": 8, "tokens_per_sample": 3}, clock, batch=batch)
    optimizer = sgd(names="a")
    scheduler, seen = attach(optimizer, plan), watch(optimizer, "lr")
    progress = Progress(11, begin, 3 * begin)
    scheduler.seek(progress)
    for _ in range(40):
        optimizer.step()
        assert seen[-1] == [[plan.value(progress, base=0.1)]]
        size = plan.batch_size(int(plan.position(progress)))
        progress = progress.advanced(samples=size, tokens=3 * size)


def test_an_absolute_text_says_so_and_is_a_rate():
    optimizer = sgd(names="a")
    attach(optimizer, "rate(0.05 * (warmup(2) >> cosine(8)))")
    seen = watch(optimizer, "lr")
    for _ in range(9):
        optimizer.step()
    assert [row[0][0] for row in seen] == [0.05 * gp.parse("warmup(2) >> cosine(8)")(k) for k in range(9)]
    with pytest.raises(
        GlidepathError, match=r"lr must be at least the 1\.0 that its absolute schedule reaches, got 0\.0003"
    ):
        attach(sgd(3e-4, names="a"), "warmup(2) >> cosine(10)", absolute=True)
    with pytest.raises(
        GlidepathError, match=r"momentum must be given as factors of its base, got values from 0\.85 to"
    ):
        attach(sgd(), {"momentum": "ramp(0.85, 0.95, 20)"})
    for said in ({"schedule": "ramp(0.85, 0.95, 20)", "absolute": True}, "rate(ramp(0.85, 0.95, 20))"):
        optimizer = sgd()
        attach(optimizer, {"momentum": said})
        optimizer.step()
        assert optimizer.param_groups[0]["momentum"] == 0.85
    optimizer = sgd()
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    with pytest.raises(GlidepathError, match=r"group a, b: weight_decay must be a base above 0 .*rate\(…\)"):
        attach(optimizer, {"weight_decay": "linear(10)"})


@pytest.mark.parametrize(("base", "other", "warmup", "decay"), [(0.05, 3e-4, 20, 60), (3e-4, 1.0, 7, 40)])
def test_a_text_that_was_handed_out_trains_at_what_was_meant(base, other, warmup, decay):
    """Pasted into `attach`, whatever the optimizer's own rate is: what `fit` found in a log, and what `convert` and the page write."""
    from glidepath.advice import Log, fit
    from glidepath.core.rate import text_for

    wanted = [base * (gp.warmup(warmup) >> gp.cosine(decay))(k) for k in range(warmup + decay)]
    found = fit(Log.of(rate=wanted))
    for text in (found.text, text_for(gp.warmup(warmup) >> gp.cosine(decay), base)):
        optimizer = sgd(other, names="a")
        attach(optimizer, text)
        seen = watch(optimizer, "lr")
        for _ in wanted:
            optimizer.step()
        assert [row[0][0] for row in seen] == pytest.approx(wanted, rel=1e-9, abs=1e-9 * base)


@settings(max_examples=30)
@given(
    rate=st.sampled_from(["warmup(5, start=0) >> cosine(20, floor=0.1)", "0.6 * linear(25)", "step(7, factor=0.5)"]),
    decay=st.sampled_from(["constant()", "linear(30, floor=0.5)", "ramp(0.2, 1, 12)"]),
    base=st.sampled_from([0.4, 1e-3]),
    watched=st.booleans(),
)
def test_a_decay_kept_apart_from_the_rate_has_the_product_of_its_own_schedule(rate, decay, base, watched):
    """What AdamW takes off is rate times decay: kept apart, it is the base rate times the decay's own schedule, whatever the rate does."""
    rules = [{"schedule": rate}, {"schedule": decay, "parameter": "weight_decay", "over": "lr"}]
    feedback = [{"controller": {"kind": "plateau", "patience": 0}, "monitor": "loss"}] if watched else []
    plan = Plan.of(
        {"glidepath": 1, "rules": rules, "feedback": feedback} if watched else {"glidepath": 1, "rules": rules}
    )
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([weight], lr=base, weight_decay=0.05)
    scheduler = attach(optimizer, plan)
    own = gp.parse(decay)
    for k in range(24):
        before = scheduler.progress
        weight.grad = torch.ones(2)
        optimizer.step()
        group = optimizer.param_groups[0]
        if group["lr"]:
            assert group["lr"] * group["weight_decay"] == pytest.approx(base * 0.05 * own(k), rel=1e-15 * 8)
        assert group["weight_decay"] == scheduler.plan.value(before, "weight_decay", base=0.05)
        if watched:
            scheduler.observe("loss", 1.0)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"schedule": "linear(9)", "parameter": "weight_decay", "over": "lr"}], r"over must be driven by a rule"),
        (
            [
                {"schedule": "linear(9)", "floor": 0.1},
                {"schedule": "linear(9)", "parameter": "weight_decay", "over": "lr"},
            ],
            r"over must be driven by a rule",
        ),
        ([{"schedule": "linear(9)", "over": "lr"}], r"over must be driven by a rule"),
        (
            [{"schedule": "rate(linear(9))"}, {"schedule": "linear(9)", "parameter": "weight_decay", "over": "lr"}],
            r"over must be driven by a rule of its own that gives factors",
        ),
    ],
)
def test_what_a_rule_cannot_be_kept_apart_from(rules, said):
    with pytest.raises(GlidepathError, match=said):
        Plan.of({"glidepath": 1, "rules": rules})
