"""A plan drives any optax transformation: values at every update, one integer of position, resumed and extended, feedback."""

import json
import math
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import glidepath as gp
from glidepath import jax as gj
from glidepath.plan import Plan

PARAMS = {"body": jnp.arange(3.0), "norm": jnp.ones(2)}
LABELS = {"body": "body", "norm": "norm"}
PLAN = {
    "rules": [
        {"schedule": "warmup(3) >> cosine(17)", "groups": ["*", "!norm"], "floor": 0.01},
        {"schedule": "hold(20)", "groups": "norm"},
        {"schedule": "cosine(20)", "parameter": "weight_decay"},
        {"schedule": "ramp(0.85, 0.95, 20)", "parameter": "betas[0]", "absolute": True},
    ],
    "feedback": [
        {"controller": "plateau(factor=0.5, patience=0)", "monitor": "val_loss"},
        {"controller": "divergence_guard(warmup=4)", "monitor": "loss"},
    ],
}
BASES = {"learning_rate": {"body": 0.1, "norm": 0.02}, "weight_decay": 0.3}


def driven(plan=PLAN, **changes):
    return gj.plan(Plan.of(plan), sgdw, LABELS, **(BASES | changes))


def sgdw(learning_rate, weight_decay, b1):
    """As AdamW is called, and quick to compile."""
    return optax.chain(
        optax.add_decayed_weights(weight_decay), optax.trace(b1), optax.scale_by_learning_rate(learning_rate)
    )


def trained(tx, params, state, updates):
    step = jax.jit(lambda p, s: tx.update(p, s, p))
    for _ in range(updates):
        out, state = step(params, state)
        params = optax.apply_updates(params, out)
    return params, state


@pytest.mark.parametrize(
    "text", ["warmup(7) >> cosine(90, floor=0.1)", "sgdr(9, growth=1.5)", "step(30, 0.1) * linear(10_000_000)"]
)
def test_every_update_uses_base_times_schedule_to_the_last_int32(text):
    steps = [*range(130), 2**24 + 1, 2**31 - 2]
    tx, schedule = gj.optimizer(optax.sgd, 0.3, text), gp.parse(text)
    state = tx.init(jnp.ones(2))
    many = jax.vmap(lambda k: tx.update(jnp.ones(2), state._replace(count=k))[1])(jnp.asarray(steps, jnp.int32))

    assert many.count.tolist() == [k + 1 for k in steps]
    np.testing.assert_allclose(many.hyperparams["learning_rate"], [0.3 * schedule(k) for k in steps], rtol=6e-8)


def test_long_phases_are_exact_where_float32_cannot_count():
    tx = gj.optimizer(optax.sgd, 1.0, "hold(20_000_000) >> linear(1001)")
    state = tx.init(jnp.ones(2))
    step = jax.jit(lambda s: tx.update(jnp.ones(2), s)[1])

    for k in (2**24 + 1, 20_000_001, 20_000_500, 20_000_999, 2**31 - 2):
        after = step(state._replace(count=jnp.int32(k)))
        assert np.asarray(after.hyperparams["learning_rate"]) == np.float32(tx.value(k))
    last = step(state._replace(count=jnp.int32(2**31 - 1)))
    assert int(last.count) == 2**31 - 1  # it holds there instead of turning negative


def test_a_plan_drives_every_parameter_of_every_label_with_its_feedback_and_compiles_once():
    plan, tx = Plan.of(PLAN), driven()
    state, progress, params, traces = tx.init(PARAMS), plan.begin(), PARAMS, 0

    @jax.jit
    def step(params, state):
        nonlocal traces
        traces += 1
        return tx.update(params, state, params)

    observed = {5: ("val_loss", 1.0), 6: ("val_loss", 1.0), 9: ("loss", math.nan)}
    for k in range(20):
        out, state = step(params, state)
        params = optax.apply_updates(params, out)
        for name, parameter in (("learning_rate", "lr"), ("weight_decay", "weight_decay"), ("b1", "betas[0]")):
            seen = gj.learning_rates(state, name)
            for label in ("body", "norm"):
                base = {"lr": BASES["learning_rate"][label], "weight_decay": 0.3}.get(parameter, 1.0)
                at = tx.at(state, progress)
                wanted = plan.value(at.__class__(k, states=at.states), parameter, label, base)
                assert seen[label] == pytest.approx(wanted, rel=3e-7)
        if k in observed:
            state, progress, decisions = tx.observe(state, progress, *observed[k])
            assert decisions[0].id == k + 1
    assert traces == 1
    assert [s.cuts for s in progress.states] == [1, 1]


def test_weights_are_those_of_optax_with_the_same_schedule_bit_for_bit():
    tx, peer = gj.optimizer(optax.adam, 0.1, "linear(10)"), optax.adam(gj.rate("linear(10)", 0.1))

    ours, _ = trained(tx, PARAMS, tx.init(PARAMS), 12)
    theirs, _ = trained(peer, PARAMS, peer.init(PARAMS), 12)

    assert all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a == b).all()), ours, theirs)))


def test_a_run_that_is_saved_and_resumed_goes_on_bit_for_bit():
    tx = driven()
    whole, _ = trained(tx, PARAMS, tx.init(PARAMS), 15)

    params, state = trained(tx, PARAMS, tx.init(PARAMS), 7)
    arrays, document = pickle.dumps(jax.device_get((params, state))), json.dumps(tx.saved(state))

    again = driven()
    template = again.init(PARAMS)
    params, restored = pickle.loads(arrays)
    assert jax.tree.structure(restored) == jax.tree.structure(template)
    resumed = again.resumed(restored, document)
    assert resumed.differences == ()
    assert resumed.jump == 0.0
    end, state = trained(resumed.optimizer, params, resumed.state, 8)

    assert gj.count(state) == 15
    assert all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a == b).all()), whole, end)))


def test_controllers_go_on_after_a_resume():
    tx = driven()
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 4)
    state, progress, _ = tx.observe(state, tx.plan.begin(), "val_loss", 1.0)
    _, state = trained(tx, PARAMS, state, 1)
    state, progress, _ = tx.observe(state, progress, "val_loss", 1.0)

    resumed = driven().resumed(jax.device_get(state), tx.saved(state, progress))
    _, after = trained(resumed.optimizer, PARAMS, resumed.state, 1)

    assert gj.learning_rates(after)["norm"] == pytest.approx(0.01, rel=1e-6)
    assert resumed.progress.states[0].cuts == 1


LONGER = PLAN | {
    "rules": [{"schedule": "warmup(3) >> cosine(37)", "groups": ["*", "!norm"], "floor": 0.01}, *PLAN["rules"][1:]]
}


@pytest.mark.parametrize(
    ("resume", "value"),
    [
        ("keep", 0.1 * gp.parse("warmup(3) >> cosine(17)")(8)),
        ("override", 0.1 * gp.parse("warmup(3) >> cosine(37)")(8)),
    ],
)
def test_a_changed_plan_is_refused_unless_it_is_said_what_happens(resume, value):
    tx, other = driven(), driven(LONGER)
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 8)
    document = tx.saved(state)

    with pytest.raises(gp.GlidepathError, match=r"the plan must be that of this run.*cosine\(17\)") as refused:
        other.resumed(state, document)
    assert 'resume="keep"' in str(refused.value)
    resumed = other.resumed(state, document, resume)
    _, after = trained(resumed.optimizer, PARAMS, resumed.state, 1)
    assert gj.learning_rates(after)["body"] == pytest.approx(value, rel=1e-6)
    assert (resumed.jump > 0) is (resume == "override")


def test_extend_stretches_what_is_left_without_a_jump():
    tx, other = driven(), driven(LONGER, learning_rate={"body": 0.4, "norm": 0.02})
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 8)

    resumed = other.resumed(state, tx.saved(state), "extend")

    assert resumed.jump == 0.0
    assert any("base of learning_rate in body: saved 0.1, now 0.4" in line for line in resumed.differences)
    middle = 8 + (40 - 8) // 2
    assert resumed.optimizer.value(middle, label="body") == pytest.approx(tx.value(14, label="body"))
    assert resumed.optimizer.value(40, label="body") == 0.01
    again = other.resumed(
        resumed.state, resumed.optimizer.saved(resumed.state), "extend"
    )  # once more: nothing is stretched twice
    assert again.optimizer.value(middle, label="body") == resumed.optimizer.value(middle, label="body")


def test_the_state_of_another_plan_is_never_taken_for_ones_own():
    tx, other = driven(), driven(LONGER)
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 3)

    with pytest.raises(gp.GlidepathError, match="update: state must be that of plan"):
        other.update(PARAMS, state, PARAMS)
    _, after = jax.jit(other.update)(PARAMS, state, PARAMS)
    assert math.isnan(float(after.hyperparams["body"]["learning_rate"]))
    with pytest.raises(gp.GlidepathError, match=r"learning_rates: state .*resumed"):
        gj.learning_rates(after)
    _, later = trained(tx, PARAMS, state, 1)
    with pytest.raises(gp.GlidepathError, match="document that was written with this checkpoint"):
        tx.resumed(later, tx.saved(state))


def test_clocks_of_tokens_count_every_update_as_full():
    plan = Plan(
        'warmup("10%") >> cosine("rest")',
        {"length": "64000 tokens", "batch": 4, "tokens_per_sample": 16},
        "tokens",
        [{"controller": "divergence_guard(warmup=640)"}],
    )
    tx = gj.plan(plan, optax.sgd, learning_rate=0.5)
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 120)
    assert gj.learning_rates(state)["0"] == pytest.approx(plan.value(tokens=119 * 64, base=0.5), rel=1e-6)

    state, progress, _ = tx.observe(state, plan.begin(), "loss", math.inf)
    assert progress.tokens == 120 * 64
    _, state = trained(tx, PARAMS, state, 5)
    at = progress.__class__(124, 0, 124 * 64, progress.states)
    assert gj.learning_rates(state)["0"] == pytest.approx(plan.value(at, base=0.5), rel=1e-6)


def test_it_works_inside_other_transformations():
    tx = optax.MultiSteps(gj.optimizer(optax.adam, 0.1, "linear(10)"), gj.whole("piecewise_constant([2], [1, 3.5])"))
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 9)
    assert gj.count(state) == 3  # 1, 1, 4 and three of the next 4
    assert gj.learning_rates(state)["0"] == pytest.approx(0.08)

    tx = optax.chain(optax.clip(1.0), gj.optimizer(optax.sgd, {"body": 1.0, "norm": 0.5}, "linear(10)", LABELS))
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 3)
    assert gj.learning_rates(state) == {"body": pytest.approx(0.8), "norm": pytest.approx(0.4)}


def test_several_in_a_multi_transform_are_told_apart():
    parts = {
        "wide": gj.optimizer(optax.sgd, 0.1, 'linear("rest")', total=10),
        "thin": gj.optimizer(optax.sgd, 1.0, "hold()"),
    }
    tx = optax.multi_transform(parts, {"body": "wide", "norm": "thin"})
    _, state = trained(tx, PARAMS, tx.init(PARAMS), 3)

    assert gj.count(state) == 3
    assert gj.learning_rates(state) == {"thin": 1.0, "wide": pytest.approx(0.08)}


def test_labels_may_be_a_function_and_each_label_has_its_own_optimizer():
    plan = Plan([{"schedule": "linear(10)", "groups": "wide"}, {"schedule": "cosine(20)", "groups": "thin"}])
    labels = lambda tree: jax.tree.map(lambda x: "wide" if x.shape[0] == 3 else "thin", tree)  # noqa: E731
    tx = gj.plan(plan, {"wide": optax.sgd, "thin": optax.adam}, labels, learning_rate={"wide": 1.0, "thin": 0.1})

    out, _ = tx.update(PARAMS, tx.init(PARAMS), PARAMS)

    assert out["body"].tolist() == [-0.0, -1.0, -2.0]
    assert out["norm"].tolist() == pytest.approx([-0.1, -0.1], rel=1e-4)


def test_small_types_stay_what_they_are_in_a_scan():
    params = jnp.ones(4, jnp.bfloat16)
    for make, hyper in (
        (optax.adamw, {"weight_decay": gj.rate("hold()", 0.1)}),
        (optax.sgd, {"momentum": gj.rate("hold()", 0.9)}),
    ):
        tx = gj.optimizer(make, 1e-2, "linear(10)", **hyper)

        def body(carry, _, tx=tx):
            out, state = tx.update(carry[0], carry[1], carry[0])
            return (optax.apply_updates(carry[0], out), state), out.dtype == jnp.bfloat16

        (params, state), kept = jax.lax.scan(body, (params, tx.init(params)), None, length=5)
        assert params.dtype == jnp.bfloat16
        assert kept.all()
        assert state.hyperparams["learning_rate"].dtype == jnp.float32


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: gj.rate("cosine(10)"), r"rate: base must be a number above 0, got nothing"),
        (lambda: gj.rate("rate(0.1 * cosine(10))", 0.1), "base must be left out, as the schedule is absolute"),
        (lambda: gj.rate("cosine(10)", 0.0), "base must be a number above 0, got 0.0"),
        (lambda: gj.optimizer(optax.adam, None, "cosine(10)"), "learning_rate must be a number above 0, got nothing"),
        (lambda: gj.optimizer(optax.adam, 0.1, "rate(0.1 * cosine(10))"), "learning_rate must be left out"),
        (
            lambda: gj.optimizer(optax.adamw, 0.1, "cosine(3)", weight_decay=gp.cosine(3)),
            r"weight_decay must be a rate of its own",
        ),
        (
            lambda: gj.plan({"rules": {"lr": "cosine(3)", "momentm": "hold()"}}, optax.sgd, learning_rate=1),
            "did you mean 'momentum'",
        ),
        (
            lambda: gj.plan({"rules": {"momentum": "hold()"}}, optax.sgd, learning_rate=1),
            "momentum must be a number above 0",
        ),
        (
            lambda: driven(PLAN | {"rules": [{"schedule": "cosine(3)", "groups": "nrm"}]}),
            r"a pattern of a label \(body, norm\)",
        ),
        (lambda: driven(learning_rate={"body": 0.1}), "label norm: learning_rate must be a number above 0"),
        (lambda: gj.optimizer(optax.adam, 0.1, "cosin(3)"), "did you mean 'cosine'"),
        (lambda: gj.count({"a": 1}), "count: state must be one that counts updates"),
        (lambda: driven().resumed(driven().init(PARAMS), "{}"), r"saved must be what saved\(\) returned"),
        (
            lambda: driven().resumed(driven().init(PARAMS), {}, "anyhow"),
            "resume must be one of strict, keep, override, extend",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, match):
    with pytest.raises(gp.GlidepathError, match=match):
        make()


def test_counts_that_disagree_are_refused():
    state = (optax.adam(1.0).init(PARAMS)[0], optax.adam(1.0).init(PARAMS)[0]._replace(count=jnp.int32(3)))

    with pytest.raises(gp.GlidepathError, match="in one count or in equal ones, got 0, 3"):
        gj.count(state)


def test_schedules_are_static_nodes_and_multiply_with_what_is_traced():
    schedule, traces = gp.parse("warmup(3) >> cosine(10)"), []

    @jax.jit
    def value(schedule, step):
        traces.append(schedule)
        return schedule(step)

    assert jax.tree.leaves(schedule) == []
    assert float(value(schedule, 1)) == float(value(gp.parse("warmup(3) >> cosine(10)"), 1)) == 0.5
    assert len(traces) == 1  # equal schedules, one program
    assert float(value(gp.Hold(3), 1)) == 1.0
    assert float((jnp.float32(2.0) * schedule)(1)) == float((schedule * jnp.float32(2.0))(1)) == 1.0
    scaled = jax.jit(lambda x: 3 * (schedule * x))(jnp.float32(2.0))
    assert float(scaled(1)) == 3.0
    assert float(jax.grad(lambda x: (x * schedule)(1))(1.0)) == 0.5
    rate = gj.rate(schedule, 0.1)
    assert hash(rate) == hash(gj.rate(schedule, 0.1))
    assert float(jax.jit(lambda r: r(2))(rate)) == pytest.approx(0.075)
