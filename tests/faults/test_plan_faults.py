"""Faults of plans. Each is shown on a mainstream tool where one can run here, before ours is asked."""

import subprocess
import sys
import textwrap

import pytest
import torch

from glidepath import GlidepathError, MultiStep, Table, parse, piecewise_constant
from glidepath.core.documents import data_of_text
from glidepath.plan import Plan, Progress, carried, check
from work import SECOND, counted


def test_a6_an_extended_horizon_jumps_by_a_stated_size():
    """A6: a cosine at 50 of 100 extended to 200 jumps from 0.5 to 0.85 without a word; ours states the jump, or makes none."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, parse("cosine(100)"))
    for _ in range(50):
        optimizer.step()
        scheduler.step()
    before = optimizer.param_groups[0]["lr"]
    scheduler.lr_lambdas = [parse("cosine(200)")]
    optimizer.step()
    scheduler.step()
    assert (round(before, 3), round(optimizer.param_groups[0]["lr"], 3)) == (0.5, 0.848)

    plan = Plan('cosine("rest")', {"length": "100 steps"})
    documented = {"stretch": (0.5, 0.0, 0.25), "hold": (0.5, 0.0, 0.5), "restretch": (0.854, 0.354, 0.5)}
    for rule, (now, jump, later) in documented.items():
        longer = plan.extend(200, 50, rule=rule)
        assert longer.schedule()(50) == pytest.approx(now, abs=1e-3)
        assert longer.history[-1].jump == pytest.approx(jump, abs=1e-3)
        assert longer.schedule()({"stretch": 100, "hold": 150, "restretch": 100}[rule]) == pytest.approx(
            later, abs=1e-3
        )
        assert longer.schedule()(200) == 0.0
        assert rule in longer.history[-1].detail


def test_b2_all_errors_of_a_plan_come_together():
    """B2: PyTorch refuses one argument a run; a plan with seven faults names all seven."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    with pytest.raises(ValueError, match="Constant multiplicative factor"):
        torch.optim.lr_scheduler.ConstantLR(optimizer, factor=-1, total_iters=-1)  # the second fault is not named
    data = {
        "rules": {"lr": "ramp(1, 2, -3, curve='sharp')", "we ight": "step(-1)", "momentum": 'warmup("5%", strat=0)'},
        "horizon": {"length": "0 steps", "batch": -1},
        "clock": "hours",
    }
    findings = check(data)
    assert len(findings) >= 7
    text = "\n".join(map(str, findings))
    for piece in (
        "steps must be",
        "sharp",
        "parameter must be",
        "period must be",
        "length must be",
        "batch must be",
        "clock must be",
    ):
        assert piece in text


def test_b3_a_floor_above_the_base_is_flagged():
    """B3: eta_min above the base raises the rate in PyTorch; ours flags the schedule and the group."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, eta_min=1.0)
    for _ in range(10):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1.0)

    data = {"rules": {"lr": {"schedule": "cosine(10)", "floor": 1.0}}, "horizon": {"length": "10 steps"}}
    (finding,) = check(data, torch.optim.SGD([torch.zeros(1)], lr=0.1))
    assert (finding.code, finding.level) == ("floor-above-base", "error")
    assert "floor must be at most the base of group 0, 0.1, got 1" in str(finding)


def test_b4_a_decay_that_rises_and_a_warmup_that_falls_are_flagged():
    """B4: Keras's PolynomialDecay with an end above the start rises, CosineDecay with a lower warmup target falls, both silently."""
    keras = pytest.importorskip("keras")
    rising = keras.optimizers.schedules.PolynomialDecay(0.1, 10, end_learning_rate=1.0)
    falling = keras.optimizers.schedules.CosineDecay(0.1, 10, warmup_target=0.05, warmup_steps=5)
    assert float(rising(10)) > float(rising(0))
    assert float(falling(4)) < float(falling(0))

    for text, codes in [
        ('linear("rest", floor=1, peak=0.1)', {"rising-decay", "ends-on-a-rise"}),
        ('polynomial("rest", 2, 1.0, 0.1)', {"rising-decay", "ends-on-a-rise"}),
        ("linear(20, floor=1, peak=0.1)", {"ends-on-a-rise"}),
        ('warmup("5 steps", start=2) >> cosine("rest")', {"falling-warmup"}),
    ]:
        assert {finding.code for finding in check({"rules": text, "horizon": {"length": "20 steps"}})} == codes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiStep([7, 3]), "milestones must be a strictly increasing list"),
        (lambda: MultiStep([3, 3]), "milestones must be a strictly increasing list"),
        (lambda: piecewise_constant([7, 3], [1.0, 0.5, 0.1]), "boundaries must be strictly increasing"),
        (lambda: piecewise_constant([3], [1.0, 0.5, 0.1]), "values must be one more than the boundaries, 2"),
        (lambda: Table([0, 5], [1.0]), "values must be as many as the steps, 2"),
        (
            lambda: Plan('multistep(["75%", "50%"])', {"length": "100 steps"}),
            "milestones must be a strictly increasing list",
        ),
        (
            lambda: Plan('hold("60%") >> hold("60%") >> cosine("rest")', {"length": "100 steps"}),
            "the other phases take 120 of 100",
        ),
    ],
)
def test_b5_wrong_boundaries_are_refused(make, message):
    """B5: optax joins schedules at unsorted boundaries, and drops phases without a word."""
    optax = pytest.importorskip("optax")
    ones = [optax.constant_schedule(value) for value in (1.0, 0.5, 0.1)]
    joined = optax.join_schedules(ones, [7, 3])
    assert float(joined(5)) == pytest.approx(0.1)

    with pytest.raises(GlidepathError, match=message):
        make()


def test_c10_the_convention_is_the_same_everywhere():
    """C10: the same plan in the conventions of PyTorch, optax and Hugging Face: update k uses f(k), the last uses f(n - 1), f(n) is the end.

    A schedule read as "the value after update k" ends one update early: the deliberately broken reading is told apart.
    """
    optax = pytest.importorskip("optax")
    plan = Plan('warmup("4 steps", start=0) >> linear("rest")', {"length": "20 steps"})
    ours = [plan.value(updates=k) for k in range(21)]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(  # what transformers.get_linear_schedule_with_warmup builds
        optimizer, lambda k: k / 4 if k < 4 else max(0.0, (20 - k) / 16)
    )
    used = []
    for _ in range(20):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    by_count = optax.join_schedules([optax.linear_schedule(0.0, 1.0, 4), optax.linear_schedule(1.0, 0.0, 16)], [4])

    assert used == pytest.approx(ours[:20], rel=1e-12)
    assert [float(by_count(k)) for k in range(21)] == pytest.approx(ours, rel=1e-6)
    assert (ours[19], ours[20]) == (0.0625, 0.0)
    assert used != pytest.approx(ours[1:], rel=1e-12)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([{"schedule": "hold()"}, {"schedule": "hold()", "groups": "norm"}], "overlap"),
        (
            [{"schedule": "hold()"}, {"schedule": "hold()", "groups": "nrom", "parameter": "weight_decay"}],
            "unknown-group",
        ),
        ([{"schedule": "hold()", "groups": ["x*"]}], "unmatched"),
    ],
)
def test_d5_rules_that_overlap_or_match_nothing_are_errors(rules, code):
    """D5: one hyper-parameter of one group in two rules, an unknown name, a rule without a match."""
    groups = [{"name": "body", "lr": 0.1, "weight_decay": 0.1}, {"name": "norm", "lr": 0.1, "weight_decay": 0.0}]
    found = check({"rules": rules, "horizon": {"length": "20 steps"}}, groups)

    assert any(finding.code == code and finding.level == "error" for finding in found)
    with pytest.raises(GlidepathError, match="groups must be that of no other rule for lr"):
        Plan([{"schedule": "hold()"}, {"schedule": "cosine(5)"}])


def test_f4_a_run_resumed_on_fewer_processes():
    """F4: 4 -> 2 processes: on a clock of steps the peers go on from their count and train twice as long; samples and tokens go on right."""
    run = {"length": "2 epochs", "samples": 1024, "batch": 4, "tokens_per_sample": 8}
    for clock in ("samples", "tokens"):
        four = Plan('warmup("10%") >> cosine("rest")', {**run, "processes": 4}, clock)
        two = four.replace(horizon=four.horizon.replace(processes=2))
        progress = Progress(updates=64, samples=1024, tokens=8192)
        moved = carried(progress, four, two)
        assert (
            two.value(moved)
            == pytest.approx(four.value(progress), rel=1e-12)
            == pytest.approx(four.value(epochs=1), rel=1e-12)
        )
        assert moved == progress
        assert two.total == four.total
    four = Plan('warmup("10%") >> cosine("rest")', {**run, "processes": 4})
    two = four.replace(horizon=four.horizon.replace(processes=2))
    naive = two.value(updates=64)
    assert abs(naive - four.value(updates=64)) > 0.3  # what a plain step count would do
    with pytest.raises(GlidepathError, match="an update must be as large as before \\(16 samples\\)"):
        carried(progress, four, two)
    assert carried(progress, four, two, by="samples").updates == 128
    assert two.value(carried(progress, four, two, by="samples")) == pytest.approx(four.value(progress), abs=0.01)


def test_g3_a_plan_in_epochs_is_not_fed_with_steps():
    """G3: a schedule written for epochs and stepped every update decays 100 times too early; ours wants the unit, and converts or refuses."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)  # meant: 30 epochs
    for _ in range(60):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01)

    known = Plan("step(30)", {"length": "90 epochs", "samples": 100, "batch": 1}, "epochs")
    assert [known.value(updates=60), known.value(updates=3000), known.value(epochs=30)] == [1.0, 0.1, 0.1]
    unknown = Plan("step(30)", {"length": "90 epochs"}, "epochs")
    with pytest.raises(
        GlidepathError,
        match="must be in epochs, or convertible to them: updates are not, got '60 updates'",
    ):
        unknown.value(updates=60)
    with pytest.raises(GlidepathError, match="progress must be given as a Progress, or as one count with its unit"):
        known.value(60)


@pytest.mark.parametrize(
    "text", ['warmup("1e8 tokens") >> cosine("rest", floor=0.1)', 'wsd("rest", warmup="5%", cooldown="20%")']
)
def test_g7_a_clock_of_tokens_through_a_batch_ramp(text):
    """G7: a batch ramp of 256k, 512k, 1M tokens: the rate at 10^9 tokens is that of the run without a ramp; counted in steps it is not."""
    horizon = {"length": "2e9 tokens", "batch": 1, "tokens_per_sample": 1024}
    constant = Plan(text, {**horizon, "batch": 256}, "tokens")
    ramp = Plan(
        text,
        horizon,
        "tokens",
        batch={"schedule": 'piecewise_constant(["2e8 tokens", "8e8 tokens"], [256, 512, 1024])'},
    )

    assert ramp.total == constant.total
    positions = [0, 10**8, 5 * 10**8, 10**9, 2 * 10**9]
    assert [ramp.value(tokens=t) for t in positions] == [constant.value(tokens=t) for t in positions]
    tokens = updates = 0
    while tokens < 2 * 10**9:
        tokens, updates = tokens + ramp.batch_size(tokens) * 1024, updates + 1
    assert (ramp.derived.updates, ramp.derived.tokens) == (updates, tokens)
    in_steps = parse("cosine(7630)")
    assert (
        abs(in_steps(updates) - in_steps(7630)) > 0.1
    )  # a step count, written for the run without a ramp, does not reach its end


HOSTILE = {
    "depth of lists": "rules: " + "[" * 10_000,
    "depth of mappings": "rules: " + "{a: " * 10_000,
    "depth of blocks": "\n".join("  " * i + "- " for i in range(200)),
    "depth in JSON": '{"rules": ' + "[" * 10_000,
    "depth of a closed JSON": '{"rules": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "depth of a text": "rules: " + "(" * 10_000 + "hold()" + ")" * 10_000,
    "depth of signs": "rules: '" + "-" * 50_000 + "hold()'",
    "phases": '{"rules": "' + "hold(1)>>" * 7_000 + 'hold()"}',
    "very many phases": '{"rules": "' + "hold(1)>>" * 27_000 + 'hold()"}',
    "phases by repetition": 'rules: "chain(*[hold(1)] * 1000000000)"',
    "phases by power": 'rules: "hold(1) * 10 ** 10 ** 10"',
    "digits": "rules: hold(" + "9" * 60_000 + ")",
    "digits in YAML": "rules: hold()\nhorizon: {samples: " + "9" * 60_000 + "}",
    "digits in JSON": '{"rules": "hold()", "horizon": {"samples": ' + "9" * 1_000_000 + "}}",
    "digits of a duration": "rules: hold('" + "9" * 60_000 + " steps')",
    "a great exponent": "rules: hold('1e99 steps')",
    "a greater exponent": "rules: hold(value=1e999999999)",
    "NaN": '{"rules": "hold()", "horizon": {"samples": NaN}}',
    "Infinity": '{"rules": "hold()", "horizon": {"samples": -Infinity}}',
    "1e999": '{"rules": [{"schedule": "hold()", "floor": 1e999}]}',
    "NaN in YAML": "rules: [{schedule: hold(), floor: .nan}]",
    "a key twice": "rules: hold()\nrules: cosine(5)",
    "a key twice in JSON": '{"rules": "hold()", "rules": "cosine(5)"}',
    "a tag": "rules: !!python/object/apply:os.system ['touch canary']",
    "a local tag": "rules: !include /etc/passwd",
    "an anchor": "rules: &a [hold()]",
    "an alias": "a: &a [x]\nb: *a",
    "a billion laughs": "a: &a [x,x]\n" + "\n".join(f"b{i}: &b{i} [*a,*a]" for i in range(30)),
    "a merge": "a: &a {b: 1}\n<<: *a",
    "a path in a name": "rules: hold()\nname: ../../etc/passwd",
    "a path in a monitor": "rules: hold()\nfeedback: [{controller: plateau(), monitor: ../x}]",
    "an import": "rules: __import__('os').system('touch canary')",
    "a hidden import": "rules: hold(value=__import__('os').getpid())",
    "a lambda": "rules: (lambda: 1)()",
    "an attribute": "rules: hold().__class__.__bases__",
    "an f-string": "rules: f'{1}'",
    "a comprehension": "rules: '[hold(1) for _ in range(10**9)]'",
    "two documents": "rules: hold()\n---\nrules: hold()",
    "a control character": "rules: hold()\nname: \x01",
    "a surrogate": "rules: hold()\nname: \ud800",
    "many keys": "\n".join(f"k{i}: {i}" for i in range(6_000)),
    "many rules": '{"rules": [' + ",".join(['"hold()"'] * 20_000) + "]}",
    "nothing": "",
    "a comment of a megabyte": "#" * 1_000_000,
}

RUNNER = """
import resource, sys
sys.path[:0] = %r
from glidepath import GlidepathError
from glidepath.plan import Plan
from work import counted
Plan.of("rules: hold()")  # the parsers are loaded
texts = eval(sys.stdin.read())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, text in texts.items():
    try:
        with counted() as work:
            Plan.of(text)
        said = "ACCEPTED"
    except GlidepathError as error:
        said = str(error)[:80].replace("\\n", " ")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{name}\\t{work()}\\t{grown:.1f}\\t{said}")
"""


def test_i3_hostile_plans_are_refused_for_a_second_of_work_and_100_mb(tmp_path):
    """I3: depth 10^4, 10^6 digits, NaN, keys twice, tags, anchors, paths, code: refused for the work of 1 s and 100 MB, nothing is executed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RUNNER) % [p for p in sys.path if p]],
        input=ascii(HOSTILE),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == list(HOSTILE)
    accepted = [row[0] for row in rows if row[3] == "ACCEPTED"]
    assert accepted == []
    assert [row for row in rows if int(row[1]) > SECOND] == []
    assert max(float(row[2]) for row in rows) < 100
    assert list(tmp_path.iterdir()) == []


def test_i3_the_obvious_reader_falls_for_it():
    """I3: PyYAML reads 3e-4 as text, on as True and the second of two keys, and follows aliases; ours does none of that."""
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load("a: 3e-4\nb: on\na: 1\nc: &x [1]\nd: *x") == {"a": 1, "b": True, "c": [1], "d": [1]}

    assert data_of_text("a: 3e-4\nb: on", json=False) == {"a": 3e-4, "b": "on"}
    with pytest.raises(GlidepathError, match="key 'a' must be given once"):
        data_of_text("a: 3e-4\nb: on\na: 1", json=False)
    with pytest.raises(GlidepathError, match="free of anchors"), counted() as work:
        data_of_text(HOSTILE["a billion laughs"], json=False)
    assert work() < SECOND
