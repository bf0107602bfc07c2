"""Hugging Face's Trainer with a plan: its own numbers, every update, resumed, extended, fed."""

import os
import socket
import subprocess
import sys

import pytest
import torch
import transformers

import glidepath as gp
from glidepath.plan import Plan
from glidepath.transformers import Planned, Trainer, plan_of

transformers.logging.set_verbosity_error()
pytestmark = pytest.mark.filterwarnings("ignore:.*pin_memory", "ignore:.*lr_scheduler.step")

X = torch.randn(48, 4, generator=torch.Generator().manual_seed(1))
DATA = [{"x": x, "labels": x.sum()} for x in X]
PLAN = 'warmup("25%") >> cosine("rest")'


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.norm, self.head = torch.nn.Linear(4, 4), torch.nn.LayerNorm(4), torch.nn.Linear(4, 1)

    def forward(self, x, labels=None):
        out = self.head(self.norm(self.inner(x))).squeeze(-1)
        return {"loss": (out - labels).square().mean(), "logits": out}


def arguments(folder, **options):
    known = {
        "per_device_train_batch_size": 4,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": 4,
        "learning_rate": 0.05,
        "weight_decay": 0.1,
    }
    fixed = {"use_cpu": True, "report_to": [], "disable_tqdm": True}
    return transformers.TrainingArguments(str(folder), **(known | fixed | options))


def trainer(folder, plan=PLAN, resume="strict", kind=Trainer, **options):
    return kind(
        Net(), arguments(folder, **options), train_dataset=DATA, eval_dataset=DATA[:8], plan=plan, resume=resume
    )


class Stock(transformers.Trainer):
    """The Trainer without a plan."""

    def __init__(self, *args, plan=None, resume=None, **options):
        super().__init__(*args, **options)


def rates(made, name="learning_rate"):
    return [row[name] for row in made.state.log_history if "loss" in row]


def values(text, updates, base=0.05):
    return [base * gp.parse(text)(k) for k in range(updates)]


@pytest.mark.parametrize("accumulation", [1, 3])
def test_the_rate_of_every_update_is_used_and_logged(tmp_path, accumulation):
    used, made = [], trainer(tmp_path, max_steps=8, gradient_accumulation_steps=accumulation)
    made.create_optimizer()
    assert [len(group["params"]) for group in made.optimizer.param_groups] == [2, 4]  # the Trainer's decay groups
    made.optimizer.register_step_post_hook(lambda opt, *_: used.append([group["lr"] for group in opt.param_groups]))
    made.train()

    assert (
        rates(made) == [rate for rate, _ in used] == [same for _, same in used] == values("warmup(2) >> cosine(6)", 8)
    )


@pytest.mark.parametrize("form", [lambda plan: plan, Plan.to_dict, str])
def test_a_length_of_its_own_wins_over_the_trainers_in_every_form(tmp_path, form):
    plan = Plan('warmup("25%") >> cosine("rest")', {"length": "10 updates"})
    made = trainer(tmp_path, form(plan), max_steps=4)
    made.train()

    assert rates(made) == [plan.value(updates=k, base=0.05) for k in range(4)]


def test_training_again_begins_anew_as_the_trainers_own_schedule(tmp_path):
    made, stock = (trainer(tmp_path, "linear(4)", kind=kind, max_steps=4) for kind in (Trainer, Stock))
    for each in (made, made, stock, stock):
        each.train()

    assert rates(made) == values("linear(4)", 4)
    for ours, theirs in zip(made.model.parameters(), stock.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_groups_that_differ_are_logged_each(tmp_path):
    class Two(Trainer):
        def create_optimizer(self, *_, **__):
            parts = [("inner", self.model.inner, 0.1), ("head", self.model.head, 0.2)]
            self.optimizer = torch.optim.SGD([{"params": p.parameters(), "lr": lr, "name": n} for n, p, lr in parts])
            return self.optimizer

    made = trainer(tmp_path, "linear(4)", kind=Two, max_steps=4)
    made.train()

    assert rates(made, "learning_rate/inner") == values("linear(4)", 4, 0.1) == rates(made)
    assert rates(made, "learning_rate/head") == values("linear(4)", 4, 0.2)


def test_it_resumes_bit_for_bit_and_a_longer_run_says_where_to_say_what(tmp_path, capsys):
    whole = trainer(tmp_path, max_steps=8)
    whole.train()
    again = trainer(tmp_path, max_steps=8)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert rates(again) == rates(whole)
    for ours, theirs in zip(again.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert "resumed after 4 updates (strict)" in capsys.readouterr().out

    with pytest.raises(gp.GlidepathError, match=r'saved 8 steps, now 12 steps \(resume="keep".*"extend"'):
        trainer(tmp_path, max_steps=12).train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))

    longer = trainer(tmp_path, max_steps=12, resume="extend")
    longer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    short = gp.parse("warmup(2) >> cosine(6)")
    assert rates(longer)[4:] == pytest.approx([0.05 * short(4 + k / 2) for k in range(8)])
    more = trainer(tmp_path, max_steps=12, resume="extend")  # resumed once more, nothing is stretched twice
    more.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    assert rates(more) == rates(longer)

    jumping = trainer(tmp_path / "other", max_steps=12, resume="override")
    jumping.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert "0.0" not in str(jumping.schedule.scheduler.resumed.jump)
    assert "jump" in capsys.readouterr().out or jumping.schedule.scheduler.resumed.jump


def test_the_checkpoint_of_a_trainer_without_a_plan_is_refused_or_gone_on_from(tmp_path):
    trainer(tmp_path, None, kind=Stock, max_steps=4).train()

    with pytest.raises(gp.GlidepathError, match=r'of a PyTorch scheduler: resume="override", or seek\(4\), goes on'):
        trainer(tmp_path, "linear(8)", max_steps=8).train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    made = trainer(tmp_path, "linear(8)", "override", max_steps=8)
    made.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert rates(made)[4:] == values("linear(8)", 8)[4:]
    assert "its count of updates is taken" in str(made.schedule.scheduler.resumed)


def test_metrics_of_evaluations_and_logs_feed_the_controllers(tmp_path):
    plan = Plan(
        "hold()",
        {"length": "6 updates"},
        feedback=[
            {"controller": "plateau(factor=0.5, patience=0, mode='max')", "monitor": "eval_loss"},
            {"controller": "divergence_guard(warmup=2)", "monitor": "loss"},
        ],
    )
    made = trainer(tmp_path, plan, max_steps=6, eval_strategy="steps", eval_steps=2)
    made.train()

    guard = made.schedule.scheduler.progress.states[1]
    plateau = made.schedule.scheduler.progress.states[0]
    assert plateau.last == guard.last == 6
    assert (
        rates(made) == [0.05] * 4 + [0.05 * 0.5 ** (plateau.cuts - 1)] * 2
    )  # the last observation comes after the last update
    assert plateau.cuts == 2

    again = trainer(tmp_path, plan, max_steps=6, eval_strategy="steps", eval_steps=2)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert again.schedule.scheduler.progress == made.schedule.scheduler.progress


def test_evaluations_of_several_sets_and_after_training_are_told_apart(tmp_path):
    fed = [{"controller": "plateau(patience=0)", "monitor": "eval_a_loss"}]
    options = {"max_steps": 4, "eval_strategy": "steps", "eval_steps": 2, "save_strategy": "no"}
    made = trainer(tmp_path, Plan("hold()", feedback=fed), **options)
    made.eval_dataset = {"a": DATA[:8], "b": DATA[8:]}
    made.train()
    before = made.schedule.scheduler.progress
    made.evaluate()
    made.evaluate(DATA[:8], metric_key_prefix="test")

    assert before.states[0].last == 4
    assert made.schedule.scheduler.progress == before


def test_what_a_controller_cannot_hear_is_refused_early(tmp_path):
    deaf = Plan("cosine(6)", feedback=[{"controller": "plateau()", "monitor": "eval_loss"}])
    with pytest.raises(gp.GlidepathError, match=r"eval_strategy must be one that measures eval_loss, got 'no'"):
        trainer(tmp_path, deaf, max_steps=6).train()
    wrong = Plan("cosine(6)", feedback=[{"controller": "plateau()", "monitor": "eval_accuracy"}])
    with pytest.raises(gp.GlidepathError, match=r"a metric of the evaluation \(eval_loss.*got 'eval_accuracy'"):
        trainer(tmp_path, wrong, max_steps=6, eval_strategy="steps", eval_steps=2).train()


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("linear", {}),
        ("cosine", {}),
        ("cosine_with_restarts", {"num_cycles": 2}),
        ("polynomial", {}),
        ("polynomial", {"lr_end": 0.01, "power": 2.0}),
        ("constant", {}),
        ("constant_with_warmup", {}),
        ("inverse_sqrt", {}),
        ("cosine_with_min_lr", {"min_lr": 0.01}),
        ("cosine_with_min_lr", {"min_lr_rate": 0.1}),
        ("cosine_warmup_with_min_lr", {"min_lr": 0.01}),
        ("warmup_stable_decay", {"num_decay_steps": 4, "min_lr_ratio": 0.1}),
    ],
)
def test_the_plan_of_the_arguments_has_the_trainers_own_rates(tmp_path, name, own):
    args = arguments(tmp_path, max_steps=20, warmup_steps=5, lr_scheduler_type=name, lr_scheduler_kwargs=own)
    optimizer = torch.optim.SGD(
        [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "lr": 0.2}], lr=args.learning_rate
    )
    peer = transformers.get_scheduler(name, optimizer, 5, 20, own)
    plan = plan_of(args)

    for k in range(20):
        assert peer.get_last_lr() == pytest.approx(
            [plan.value(updates=k, base=base) for base in (0.05, 0.2)], rel=1e-12, abs=1e-18
        )
        optimizer.step()
        peer.step()


def test_a_plateau_of_the_arguments_is_a_plan_with_its_controller(tmp_path):
    def fitted(kind):
        options = {"lr_scheduler_type": "reduce_lr_on_plateau", "eval_strategy": "steps", "eval_steps": 1}
        own = {"factor": 0.5, "patience": 1, "mode": "max", "min_lr": 0.02}
        made = trainer(tmp_path, None, kind=kind, max_steps=8, lr_scheduler_kwargs=own, **options)
        made.create_optimizer()
        used = []
        made.optimizer.register_step_post_hook(lambda opt, *_: used.append(opt.param_groups[0]["lr"]))
        made.train()
        assert plan_of(made.args).feedback[0].monitor == "eval_loss"
        return used, list(made.model.parameters())

    (ours, weights), (theirs, others) = fitted(Trainer), fitted(Stock)
    assert ours == pytest.approx(theirs)
    assert set(ours) == {0.05, 0.025, 0.02}
    assert all(torch.allclose(a, b, rtol=1e-6) for a, b in zip(weights, others, strict=True))


def test_without_a_plan_the_arguments_are_the_plan(tmp_path):
    made = trainer(tmp_path, None, max_steps=4, warmup_steps=2, lr_scheduler_type="cosine")
    made.train()
    assert rates(made) == pytest.approx([0.0, 0.025, 0.05, 0.025])

    with pytest.raises(gp.GlidepathError, match=r"plan_of: total must be given, as the arguments count epochs"):
        plan_of(arguments(tmp_path))
    with pytest.raises(gp.GlidepathError, match="it follows a metric"):
        plan_of(arguments(tmp_path, max_steps=4, lr_scheduler_type="greedy", eval_strategy="steps", eval_steps=2))
    with pytest.raises(gp.GlidepathError, match="resume must be one of strict, keep, override, extend, got 'exted'"):
        trainer(tmp_path, resume="exted")


def test_another_scheduler_beside_the_plan_is_refused(tmp_path):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    both = optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer)
    with pytest.raises(
        gp.GlidepathError, match=r"the scheduler must be left to the plan, got 'ConstantLR' \(give none"
    ):
        Trainer(Net(), arguments(tmp_path), train_dataset=DATA, plan="linear(4)", optimizers=both)


def test_any_trainer_can_be_planned(tmp_path):
    class Mine(transformers.Trainer):
        pass

    class Both(Planned, Mine):
        pass

    made = trainer(tmp_path, "linear(3)", kind=Both, max_steps=3)
    with pytest.raises(gp.GlidepathError, match=r"asked for when the optimizer is made"):
        made.schedule  # noqa: B018
    made.train()
    assert rates(made) == values("linear(3)", 3)


LAUNCHED = """
import os, sys, warnings; warnings.simplefilter("ignore"); sys.path.insert(0, {here!r})
import test_trainer as t  # once: each process is a fork of this one, with what a launcher sets
rank = "1" if (child := os.fork()) else "0"
os.environ |= dict(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT={port!r})
made = t.trainer({folder!r}, max_steps=6, gradient_accumulation_steps=2, save_strategy="no")
made.train()
state = made.schedule.scheduler.state_dict()
made = [made.args.world_size, state["updates"], t.rates(made)], made.args.process_index
open({folder!r} + f"/rank{{made[1]}}", "w").write(str(made[0]))
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


def test_two_processes_under_accelerate_count_updates(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = LAUNCHED.format(here=os.path.dirname(__file__), folder=str(tmp_path), port=port)  # noqa: PTH120
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    ranks = [(tmp_path / f"rank{rank}").read_text() if done.returncode == 0 else done.stderr for rank in (0, 1)]

    assert ranks == [str([2, 6, values("warmup(2) >> cosine(4)", 6)])] * 2
