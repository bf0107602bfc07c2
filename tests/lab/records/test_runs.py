"""A run is a value: its hash names it on every machine, and its record comes back from JSON as it was."""

import json
from dataclasses import replace

import pytest

from glidepath import GlidepathError, recipes
from glidepath.core.files import canonical_json
from glidepath.lab import Record, RunSpec


def test_the_hash_is_a_fixed_function_of_what_decides_the_run(spec):
    identity = {
        "task": spec.task.identity(),
        "schedule": spec.schedule.fingerprint,
        "peak_rate": 0.1,
        "seed": 0,
        "budget": 40,
    }
    import hashlib

    assert spec.hash == hashlib.sha256(canonical_json(identity).encode()).hexdigest()
    assert RunSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert replace(spec, peak_rate=1).hash == replace(spec, peak_rate=1.0).hash
    assert replace(spec, task=replace(spec.task, about="other words")).hash == spec.hash


@pytest.mark.parametrize("change", [{"seed": 1}, {"budget": 41}, {"peak_rate": 0.2}, {"schedule": recipes.constant()}])
def test_every_part_of_the_specification_changes_the_hash(spec, change):
    assert replace(spec, **change).hash != spec.hash


def test_the_hash_of_a_declaration_does_not_drift():
    """The text that is hashed, written out: changing it would orphan every record that people have."""
    from glidepath.lab import TASKS

    text = canonical_json(TASKS["text"].identity())
    assert text == (
        '{"batch":16,"data":{"kind":"prose","stretch":4096},"evaluations":20,"loss":"cross_entropy","metric":'
        '{"direction":"lower","name":"loss","unit":"nats per character"},"model":{"context":32,"heads":2,"kind":'
        '"char_transformer","layers":1,"width":32},"name":"text","optimizer":{"beta1":0.9,"beta2":0.99,"kind":"adamw",'
        '"weight_decay":0.01},"revision":1}'
    )


def test_every_problem_of_a_specification_is_told_at_once():
    with pytest.raises(GlidepathError) as error:
        RunSpec(3, "cosine", float("nan"), -1, 0)
    told = str(error.value).splitlines()

    assert told == [
        "run: peak_rate must be a finite number above 0 and at most 1e+100, got nan",
        "run: seed must be an integer from 0 to 4294967295, got -1",
        "run: budget must be an integer from 1 to 9007199254740992, got 0",
        "run.schedule (text, column 1): must be a number, or a word with its arguments in parentheses, got 'cosine' (cosine(…))",
        "run: task must be a Task, got 3",
    ]


def test_a_specification_with_missing_or_unknown_fields_is_refused(spec):
    data = spec.to_dict()
    del data["seed"]

    with pytest.raises(GlidepathError, match="run: fields must be task, schedule, peak_rate, seed, budget, got"):
        RunSpec.from_dict(data)


@pytest.mark.parametrize("metric", [40.0, None])
def test_a_record_survives_json_bit_for_bit(spec, made_up, metric):
    record = made_up(spec, metric)
    text = canonical_json(record.to_dict())

    assert "NaN" not in text
    assert Record.from_dict(json.loads(text)) == record
    assert (record.diverged_at is None) is (metric is not None)


def test_a_record_with_a_wrong_field_is_refused(spec, made_up):
    data = made_up(spec, 40.0).to_dict() | {"losses": ["x"]}

    with pytest.raises(GlidepathError, match=r"record: losses\.0 must be valid"):
        Record.from_dict(data)


def test_a_plateau_by_its_class_name_is_driven(tiny):
    from glidepath.feedback import PyTorchPlateau
    from glidepath.lab.engines.training import run
    from glidepath.lab.search.planning import plan_runs

    call = "torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.9, min_lr=0.02)"
    rows = plan_runs(tiny, [call], [0], peak_rate=0.1)[tiny.name]
    (spec,) = rows[call]
    assert spec.controller == PyTorchPlateau([0.1], 0.5, 0, 0.9, floors=[0.02])
    assert RunSpec.from_dict(spec.to_dict()) == spec
    assert spec.hash != rows["constant"][0].hash != ""

    record = run(spec)
    assert record.rates[:10] == (0.1,) * 10
    assert record.rates[-1] in (0.05, 0.025, 0.02)
    assert sorted(set(record.rates), reverse=True) == [
        0.1 * 0.5**k if k < 3 else 0.02 for k in range(len(set(record.rates)))
    ]

    with pytest.raises(GlidepathError, match="compare: mode must be 'min': what is watched is the validation's loss"):
        plan_runs(tiny, ["ReduceLROnPlateau(optimizer, 'max')"], [0])
    with pytest.raises(GlidepathError, match="pytorch ReduceLROnPlateau: factor must be a finite number above 0"):
        plan_runs(tiny, ["ReduceLROnPlateau(optimizer, factor=-1)"], [0])
