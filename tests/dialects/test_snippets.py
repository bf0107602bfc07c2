"""Calls as people write them: a corpus with rates from formulas of a few lines, names that are left open, groups, files, and what is told."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from glidepath import GlidepathError, dialects, parse
from glidepath.dialects import read_calls, read_groups, read_text

pi = math.pi


def up(t: float, w: float) -> float:
    return t / w


def cosine(t: float, n: float) -> float:
    return 0.5 * (1 + math.cos(pi * t / n))


def linear_warm(t, w, n):
    return t / w if t < w else max(0.0, (n - t) / (n - w))


def cosine_warm(t, w, n):
    return t / w if t < w else cosine(t - w, n - w)


def one_cycle(t, peak, n, share=0.3, div=25.0, final=1e4):
    top, last = share * n - 1, n - 1
    if t <= top:
        return peak / div + (peak - peak / div) * (1 - math.cos(pi * t / top)) / 2
    low = peak / div / final
    return low + (peak - low) * (1 + math.cos(pi * (t - top) / (last - top))) / 2


TORCH, OPTAX = "torch.optim.lr_scheduler.", "optax."
Formula = Callable[[int], float]
CORPUS: list[tuple[str, dict, Formula]] = [
    # as they stand in training scripts, one line each
    (
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)",
        {},
        lambda t: 0.1 * 0.1 ** (t // 30),
    ),
    ("lr_scheduler = optim.lr_scheduler.StepLR(optimizer, 7, 0.5)", {}, lambda t: 0.1 * 0.5 ** (t // 7)),
    ("self.scheduler = StepLR(self.optimizer, step_size=2)", {}, lambda t: 0.1 * 0.1 ** (t // 2)),
    ("StepLR(opt, step_size=1, gamma=args.gamma)", {"args.gamma": 0.7}, lambda t: 0.1 * 0.7**t),
    ("StepLR(optimizer, args.lr_drop)", {"lr_drop": "5"}, lambda t: 0.1 * 0.1 ** (t // 5)),
    (
        "StepLR(optimizer, step_size=cfg['step'], gamma=cfg['gamma'])",
        {"cfg['step']": 3, "cfg['gamma']": 0.5},
        lambda t: 0.1 * 0.5 ** (t // 3),
    ),
    (
        "MultiStepLR(optimizer, milestones=[int(0.5 * epochs), int(0.75 * epochs)], gamma=0.1)",
        {"epochs": 20},
        lambda t: 0.1 * 0.1 ** ((t >= 10) + (t >= 15)),
    ),
    ("MultiStepLR(optimizer, [3, 6], 0.2, verbose=True)", {}, lambda t: 0.1 * 0.2 ** ((t >= 3) + (t >= 6))),
    ("ExponentialLR(optimizer, gamma=0.9, last_epoch=-1)", {}, lambda t: 0.1 * 0.9**t),
    ("optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1 ** (1 / n))", {"n": 10}, lambda t: 0.1 * 0.1 ** (t / 10)),
    (
        "lr_scheduler.CosineAnnealingLR(optimizer, T_max=T_MAX, eta_min=1e-05)",
        {"T_MAX": 20},
        lambda t: 1e-5 + (0.1 - 1e-5) * cosine(t, 20),
    ),
    (
        "CosineAnnealingLR(optimizer, len(loader) * epochs)",
        {"len(loader)": 10, "epochs": 3},
        lambda t: 0.1 * cosine(t, 30),
    ),
    (
        "CosineAnnealingLR(optimizer, epochs * len(train_loader) // accum)",
        {"train_loader": 24, "epochs": 5, "accum": 4},
        lambda t: 0.1 * cosine(t, 30),
    ),
    ("CosineAnnealingWarmRestarts(optimizer, T_0=5)", {}, lambda t: 0.1 * cosine(t % 5, 5)),
    (
        "torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=6)",
        {},
        lambda t: 0.1 * min(1, 0.25 + 0.75 * t / 6),
    ),
    ("ConstantLR(optimizer, factor=1/4, total_iters=3)", {}, lambda t: 0.025 if t < 3 else 0.1),
    (
        "PolynomialLR(optimizer, total_iters=max_iter, power=0.9)",
        {"max_iter": 25},
        lambda t: 0.1 * max(0.0, 1 - t / 25) ** 0.9,
    ),
    ("OneCycleLR(optimizer, max_lr=0.4, total_steps=30)", {}, lambda t: one_cycle(min(t, 29), 0.4, 30)),
    (
        "torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LR, epochs=args.epochs, steps_per_epoch=len(train_loader))",
        {"LR": 0.2, "args.epochs": 4, "len(train_loader)": 10},
        lambda t: one_cycle(min(t, 39), 0.2, 40),
    ),
    (
        "OneCycleLR(optimizer, 1e-3 * world, total_steps=int(steps * 1.5), pct_start=1 / 3)",
        {"world": 8, "steps": 20},
        lambda t: one_cycle(min(t, 29), 8e-3, 30, 1 / 3),
    ),
    (
        "CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=4, mode='triangular2')",
        {},
        lambda t: 0.01 + 0.09 * max(0.0, 1 - abs(t / 4 - 2 * (1 + t // 8) + 1)) * 0.5 ** (t // 8),
    ),
    # functions of the step
    ("LambdaLR(optimizer, lr_lambda=lambda epoch: 0.95 ** epoch)", {}, lambda t: 0.1 * 0.95**t),
    ("LambdaLR(optimizer, lambda e: 1 / (1 + decay * e))", {"decay": 0.1}, lambda t: 0.1 / (1 + 0.1 * t)),
    (
        "LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / args.warmup))",
        {"args.warmup": 8},
        lambda t: 0.1 * min(1.0, (t + 1) / 8),
    ),
    (
        "LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / total)) / 2)",
        {"total": 40},
        lambda t: 0.1 * cosine(t, 40),
    ),
    ("MultiplicativeLR(optimizer, lr_lambda=lambda epoch: 0.9)", {}, lambda t: 0.1 * 0.9**t),
    (
        "warmup = 5\ndef lr(epoch):\n    if epoch < warmup:\n        return (epoch + 1) / warmup\n    return 0.5 ** ((epoch - warmup) // 4)\nLambdaLR(opt, lr)",
        {},
        lambda t: 0.1 * ((t + 1) / 5 if t < 5 else 0.5 ** ((t - 5) // 4)),
    ),
    (
        "def f(step):\n    '''Warm.'''\n    if step < W:\n        return float(step) / float(max(1, W))\n    progress = float(step - W) / float(max(1, T - W))\n    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))\ns = LambdaLR(optimizer, lr_lambda=f)",
        {"W": 5, "T": 35},
        lambda t: 0.1 * cosine_warm(t, 5, 35),
    ),
    (
        "def g(e):\n    lr = 1.0\n    if e >= 10:\n        lr *= 0.1\n    if e >= 20:\n        lr *= 0.1\n    return lr\nLambdaLR(optimizer, g)",
        {},
        lambda t: 0.1 * 0.1 ** ((t >= 10) + (t >= 20)),
    ),
    (
        "def h(x):\n    if x < 3:\n        return 0.1\n    elif x < 6:\n        return 0.5\n    else:\n        return 1\nLambdaLR(optimizer, h)",
        {},
        lambda t: 0.1 * (0.1 if t < 3 else 0.5 if t < 6 else 1),
    ),
    (
        "from functools import partial\ndef f(step, *, warm, total):\n    if step < warm:\n        return step / warm\n    return max(0.0, (total - step) / (total - warm))\nLambdaLR(optimizer, partial(f, warm=5, total=n))",
        {"n": 45},
        lambda t: 0.1 * linear_warm(t, 5, 45),
    ),
    (
        "def warm(s):\n    return min(1, s / 10)\ndef both(s):\n    return warm(s) * 0.5 ** (s // 20)\nLambdaLR(optimizer, both)",
        {},
        lambda t: 0.1 * min(1, t / 10) * 0.5 ** (t // 20),
    ),
    (
        "lf = lambda x: (1 - x / epochs) * (1.0 - hyp['lrf']) + hyp['lrf']\nscheduler = lr_scheduler.LambdaLR(optimizer, lr_lambda=lf)",
        {"epochs": 50, "hyp['lrf']": 0.01},
        lambda t: 0.1 * ((1 - t / 50) * 0.99 + 0.01),
    ),
    # several schedulers
    (
        "SequentialLR(optimizer, [LinearLR(optimizer, start_factor=0.1, total_iters=5), CosineAnnealingLR(optimizer, T_max=20)], milestones=[5])",
        {},
        lambda t: 0.1 * (0.1 + 0.9 * t / 5) if t < 5 else 0.1 * cosine(t - 5, 20),
    ),
    (
        "from torch.optim.lr_scheduler import *\nE = 30\nwarm = 5\nw = LinearLR(optimizer, start_factor=0.2, total_iters=warm)\nm = CosineAnnealingLR(optimizer, T_max=E - warm)\nscheduler = SequentialLR(optimizer, schedulers=[w, m], milestones=[warm])",
        {},
        lambda t: 0.1 * (0.2 + 0.8 * t / 5) if t < 5 else 0.1 * cosine(t - 5, 25),
    ),
    (
        "ChainedScheduler([ConstantLR(optimizer, factor=0.5, total_iters=4), ExponentialLR(optimizer, gamma=0.9)])",
        {},
        lambda t: 0.1 * (0.5 if t < 4 else 1) * 0.9**t,
    ),
    # the optimizer says the rate
    (
        "optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)\nscheduler = StepLR(optimizer, 10)",
        {},
        lambda t: 3e-4 * 0.1 ** (t // 10),
    ),
    (
        "lr = 0.05 * batch / 256\nopt = SGD(params, lr=lr, momentum=0.9)\nsched = CosineAnnealingLR(opt, 20)",
        {"batch": 1024},
        lambda t: 0.2 * cosine(t, 20),
    ),
    ("StepLR(torch.optim.SGD(m.parameters(), lr=1.0), 4, gamma=0.5)", {}, lambda t: 0.5 ** (t // 4)),
    # transformers
    (
        "get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=10, num_training_steps=50)",
        {},
        lambda t: 0.1 * cosine_warm(t, 10, 50),
    ),
    (
        "get_scheduler('linear', optimizer=optimizer, num_warmup_steps=0, num_training_steps=40)",
        {},
        lambda t: 0.1 * max(0.0, 1 - t / 40),
    ),
    (
        "from transformers import get_scheduler\nnum_epochs = 3\nnum_training_steps = num_epochs * len(train_dataloader)\nlr_scheduler = get_scheduler(name='linear', optimizer=optimizer, num_warmup_steps=0, num_training_steps=num_training_steps)",
        {"train_dataloader": 15},
        lambda t: 0.1 * max(0.0, 1 - t / 45),
    ),
    (
        "transformers.get_linear_schedule_with_warmup(optimizer, int(0.1 * total), total)",
        {"total": 50},
        lambda t: 0.1 * linear_warm(t, 5, 50),
    ),
    ("get_constant_schedule_with_warmup(optimizer, num_warmup_steps=8)", {}, lambda t: 0.1 * min(1, t / 8)),
    ("get_inverse_sqrt_schedule(optimizer, 4)", {}, lambda t: 0.1 * (t / 4 if t < 4 else (4 / t) ** 0.5)),
    (
        "get_cosine_with_hard_restarts_schedule_with_warmup(optimizer, 5, 35, num_cycles=3)",
        {},
        lambda t: 0.1 * (t / 5 if t < 5 else cosine((t - 5) % 10, 10) if t < 35 else 0),
    ),
    (
        "get_polynomial_decay_schedule_with_warmup(optimizer, 5, 25, lr_end=0.01, power=2)",
        {},
        lambda t: 0.1 * t / 5 if t < 5 else 0.01 + 0.09 * max(0.0, 1 - (t - 5) / 20) ** 2,
    ),
    (
        "get_wsd_schedule(optimizer, num_warmup_steps=5, num_decay_steps=10, num_training_steps=40, decay_type='linear')",
        {},
        lambda t: 0.1 * (t / 5 if t < 5 else 1 if t < 30 else max(0.0, (40 - t) / 10)),
    ),
    (
        "get_scheduler(SchedulerType.COSINE_WITH_MIN_LR, optimizer, 5, 25, scheduler_specific_kwargs={'min_lr_rate': 0.1})",
        {},
        lambda t: 0.1 * (t / 5 if t < 5 else 0.1 + 0.9 * cosine(t - 5, 20)),
    ),
    # optax
    ("optax.warmup_cosine_decay_schedule(0.0, 1e-3, 300, 12000, 1e-3 * 0.02)", {}, lambda t: 1e-3 * t / 300),
    (
        "schedule = optax.warmup_cosine_decay_schedule(init_value=0.0, peak_value=PEAK, warmup_steps=5, decay_steps=steps, end_value=0.1 * PEAK)",
        {"PEAK": 0.02, "steps": 25},
        lambda t: 0.02 * t / 5 if t < 5 else 0.002 + 0.018 * cosine(min(t - 5, 20), 20),
    ),
    (
        "optax.join_schedules([optax.linear_schedule(0.0, 1.0, 4), optax.constant_schedule(1.0)], [4])",
        {},
        lambda t: min(1, t / 4),
    ),
    (
        "warm = optax.linear_schedule(0., lr, w)\ndecay = optax.cosine_decay_schedule(lr, n - w)\nfn = optax.join_schedules(schedules=[warm, decay], boundaries=[w])",
        {"lr": 0.3, "w": 5, "n": 35},
        lambda t: 0.3 * t / 5 if t < 5 else 0.3 * cosine(min(t - 5, 30), 30),
    ),
    (
        "tx = optax.adamw(learning_rate=optax.exponential_decay(1e-2, transition_steps=10, decay_rate=0.5))",
        {},
        lambda t: 1e-2 * 0.5 ** (t / 10),
    ),
    (
        "tx = optax.inject_hyperparams(optax.adam)(learning_rate=optax.cosine_decay_schedule(1e-3, 40))",
        {},
        lambda t: 1e-3 * cosine(min(t, 40), 40),
    ),
    ("optax.piecewise_constant_schedule(0.1, {10: 0.1, 20: 0.1})", {}, lambda t: 0.1 * 0.1 ** ((t >= 10) + (t >= 20))),
    (
        "optax.piecewise_constant_schedule(init_value=lr, boundaries_and_scales={int(0.5 * n): 0.5})",
        {"lr": 0.4, "n": 20},
        lambda t: 0.4 if t < 10 else 0.2,
    ),
    (
        "optax.polynomial_schedule(1.0, 0.0, power=2, transition_steps=20, transition_begin=5)",
        {},
        lambda t: (1 - min(max(t - 5, 0), 20) / 20) ** 2,
    ),
    # timm
    (
        "CosineLRScheduler(optimizer, t_initial=30, lr_min=1e-5, warmup_lr_init=1e-6, warmup_t=5)",
        {},
        lambda t: 1e-6 + t * (0.1 - 1e-6) / 5 if t < 5 else 1e-5 + (0.1 - 1e-5) * cosine(t, 30) if t < 30 else 1e-5,
    ),
    (
        "timm.scheduler.CosineLRScheduler(optimizer, t_initial=20, warmup_t=5, warmup_prefix=True, t_in_epochs=False)",
        {},
        lambda t: 0.1 * t / 5 if t < 5 else 0.1 * cosine(t - 5, 20) if t < 25 else 0.0,
    ),
    ("timm.scheduler.StepLRScheduler(optimizer, decay_t=4, decay_rate=0.5)", {}, lambda t: 0.1 * 0.5 ** (t // 4)),
    (
        "timm.scheduler.MultiStepLRScheduler(optimizer, decay_t=[5, 9], decay_rate=0.1)",
        {},
        lambda t: 0.1 * 0.1 ** ((t >= 4) + (t >= 8)),
    ),
    (
        "scheduler, _ = create_scheduler_v2(optimizer, sched='poly', num_epochs=20, decay_rate=1.0)",
        {},
        lambda t: 0.1 * max(0.0, 1 - t / 20),
    ),
    # Keras and TensorFlow
    ("tf.keras.optimizers.schedules.CosineDecay(0.1, 1000)", {}, lambda t: 0.1 * cosine(min(t, 1000), 1000)),
    ("tf.optimizers.schedules.ExponentialDecay(1e-3, 10, 0.9, staircase=True)", {}, lambda t: 1e-3 * 0.9 ** (t // 10)),
    (
        "keras.optimizers.schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])",
        {},
        lambda t: 0.1 if t <= 10 else 0.01 if t <= 20 else 0.001,
    ),
    (
        "optimizer = keras.optimizers.Adam(learning_rate=keras.optimizers.schedules.PolynomialDecay(0.1, 20, 0.01))",
        {},
        lambda t: 0.01 + 0.09 * (1 - min(t, 20) / 20),
    ),
    ("tf.train.exponential_decay(0.1, global_step, 10, 0.5)", {}, lambda t: 0.1 * 0.5 ** (t / 10)),
    (
        "tf.train.polynomial_decay(0.1, global_step=step, decay_steps=20, end_learning_rate=0.0, name='d')",
        {},
        lambda t: 0.1 * (1 - min(t, 20) / 20),
    ),
    (
        "cosine_decay_with_warmup(global_step, 0.1, 30, warmup_learning_rate=0.01, warmup_steps=5)",
        {},
        lambda t: 0.01 + 0.09 * t / 5 if t < 5 else 0.1 * cosine(min(t - 5, 25), 25),
    ),
    (
        "cosine_decay_with_warmup(global_step, 0.1, total_decay_steps=30, alpha=0.1, warmup_steps=5)",
        {},
        lambda t: 0.1 * t / 5 if t < 5 else 0.01 + 0.09 * cosine(min(t - 5, 25), 25),
    ),
    # detectron2, OpenMMLab, Composer, ignite, DeepSpeed, Megatron-LM, fastai, Paddle, OneFlow
    (
        "LRMultiplier(optimizer, multiplier=MultiStepParamScheduler([1, 0.1, 0.01], milestones=[10, 20, 30]), max_iter=30)",
        {},
        lambda t: 0.1 * 0.1 ** ((t >= 10) + (t >= 20)),
    ),
    (
        "LRMultiplier(optimizer, WarmupParamScheduler(CosineParamScheduler(1, 0), 0.001, 5 / 50), 50)",
        {},
        lambda t: 0.1 * (0.001 + (cosine(5, 50) - 0.001) * t / 5) if t < 5 else 0.1 * cosine(min(t, 50), 50),
    ),
    (
        "mmengine.optim.LinearLR(optimizer, start_factor=0.1, by_epoch=False, begin=0, end=11)",
        {},
        lambda t: 0.1 * (0.1 + 0.9 * min(t, 10) / 10),
    ),
    (
        "mmengine.optim.MultiStepLR.build_iter_from_epoch(optimizer, milestones=[2, 3], gamma=0.1, epoch_length=n)",
        {"n": 10},
        lambda t: 0.1 * 0.1 ** ((t >= 20) + (t >= 30)),
    ),
    (
        "lr_config = dict(policy='step', warmup='linear', warmup_iters=10, warmup_ratio=0.001, step=[2, 3])",
        {"epoch_length": 10},
        lambda t: 0.1 * 0.1 ** ((t >= 20) + (t >= 30)) * (0.001 + 0.999 * t / 10 if t < 10 else 1),
    ),
    (
        "CosineAnnealingWithWarmupScheduler(t_warmup='5ba', t_max='1dur', alpha_f=0.1)",
        {"max_duration": "25ba"},
        lambda t: 0.1 * t / 5 if t < 5 else 0.01 + 0.09 * cosine(min(t - 5, 20), 20),
    ),
    (
        "MultiStepScheduler(milestones=['2ep', f'{last}ep'], gamma=0.5)",
        {"last": 3, "dataloader_len": 8},
        lambda t: 0.1 * 0.5 ** ((t >= 16) + (t >= 24)),
    ),
    (
        "LinearCyclicalScheduler(optimizer, 'lr', start_value=0.1, end_value=0.01, cycle_size=10)",
        {},
        lambda t: 0.01 + 0.09 * abs(t % 10 / 10 - 0.5) * 2,
    ),
    (
        "create_lr_scheduler_with_warmup(torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.98), warmup_start_value=0.0, warmup_duration=5)",
        {},
        lambda t: 0.1 * t / 4 if t < 5 else 0.1 * 0.98 ** (t - 4),
    ),
    (
        "WarmupLR(optimizer, warmup_min_lr=0, warmup_max_lr=0.2, warmup_num_steps=10, warmup_type='linear')",
        {},
        lambda t: 0.2 * min(max(t - 1, 0) / 10, 1),
    ),
    (
        "WarmupDecayLR(optimizer, total_num_steps=30, warmup_max_lr=0.1, warmup_num_steps=8)",
        {},
        lambda t: 0.0 if t < 1 else 0.1 * math.log(t) / math.log(8) if t - 1 < 8 else 0.1 * max(0.0, (31 - t) / 22),
    ),
    (
        "OptimizerParamScheduler(optimizer, init_lr=0.0, max_lr=0.1, min_lr=0.01, lr_warmup_steps=5, lr_decay_steps=25, lr_decay_style='cosine')",
        {},
        lambda t: 0.1 * t / 5 if t < 5 else 0.01 + 0.09 * cosine(min(t - 5, 20), 20),
    ),
    (
        "learn.fit_one_cycle(4, lr_max=0.1)",
        {"n_iter": 10},
        lambda t: (
            0.1 / 25 + (0.1 - 0.1 / 25) * (1 - math.cos(pi * t / 10)) / 2
            if t < 10
            else 1e-6 + (0.1 - 1e-6) * cosine(min(t - 10, 30), 30)
        ),
    ),
    ("lr_finder.range_test(train_loader, start_lr=1e-3, end_lr=1, num_iter=31)", {}, lambda t: 1e-3 * 1000 ** (t / 30)),
    ("mlx.optimizers.cosine_decay(0.1, 20, end=0.01)", {}, lambda t: 0.01 + 0.09 * cosine(min(t, 20), 20)),
    (
        "mlx.optimizers.join_schedules([linear_schedule(0, 0.1, steps=5), step_decay(0.1, 0.5, 3)], [5])",
        {},
        lambda t: 0.1 * t / 5 if t < 5 else 0.1 * 0.5 ** ((t - 5) // 3),
    ),
    (
        "CosineAnnealingWarmupRestarts(optimizer, first_cycle_steps=10, max_lr=0.2, min_lr=0.01, warmup_steps=4, gamma=0.5)",
        {},
        lambda t: 0.01 + (0.2 * 0.5 ** (t // 10) - 0.01) * (t % 10 / 4 if t % 10 < 4 else cosine(t % 10 - 4, 6)),
    ),
    (
        "GradualWarmupScheduler(optimizer, multiplier=8, total_epoch=5, after_scheduler=StepLR(optimizer, 3))",
        {},
        lambda t: 0.1 * (1 + 7 * t / 5) if t <= 5 else 0.8 * 0.1 ** ((t - 6) // 3),
    ),
    (
        "class C:\n    E = 20\nMultiStepLR(opt, [int(C.E * x) for x in (0.5, 0.75)], gamma=0.1)",
        {},
        lambda t: 0.1 * 0.1 ** ((t >= 10) + (t >= 15)),
    ),
    ("paddle.optimizer.lr.StepDecay(learning_rate=0.5, step_size=3, gamma=0.8)", {}, lambda t: 0.5 * 0.8 ** (t // 3)),
    (
        "lr.PolynomialDecay(learning_rate=0.1, decay_steps=20, end_lr=0.01, power=1.0)",
        {},
        lambda t: 0.01 + 0.09 * (1 - min(t, 20) / 20),
    ),
    (
        "flow.optim.lr_scheduler.CosineDecayLR(optimizer, 20, alpha=0.1)",
        {},
        lambda t: 0.1 * (0.1 + 0.9 * cosine(min(t, 20), 20)),
    ),
    # forms that a notebook, an example or a configuration file has
    (
        "lr_scheduler = get_linear_schedule_with_warmup(\n    optimizer=optimizer,\n    num_warmup_steps=0.06 * (len(dl) * n),\n    num_training_steps=(len(dl) * n),\n)",
        {"len(dl)": 29, "n": 3},
        lambda t: 0.1 * linear_warm(t, 0.06 * 87, 87),
    ),
    (
        "get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=300 * 0.07, num_training_steps=300)",
        {},
        lambda t: 0.1 * cosine_warm(t, 21, 300),
    ),
    (
        "get_scheduler(args.kind, optimizer=optimizer, num_warmup_steps=args.w * accelerator.num_processes, num_training_steps=40)",
        {"args.kind": "cosine", "args.w": 2, "accelerator.num_processes": 2},
        lambda t: 0.1 * cosine_warm(t, 4, 40),
    ),
    (
        "from diffusers.optimization import get_cosine_schedule_with_warmup\nget_cosine_schedule_with_warmup(optimizer, 5, 40)",
        {},
        lambda t: 0.1 * cosine_warm(t, 5, 40),
    ),
    ("tf.keras.experimental.CosineDecay(0.2, decay_steps=20)", {}, lambda t: 0.2 * cosine(min(t, 20), 20)),
    (
        "scheduler = functools.partial(torch.optim.lr_scheduler.StepLR, step_size=5, gamma=0.5)",
        {},
        lambda t: 0.1 * 0.5 ** (t // 5),
    ),
    (
        "StepLR(optimizer, step_size=100 if dataset == 'cifar' else 8)",
        {"dataset": "imagenet"},
        lambda t: 0.1 * 0.1 ** (t // 8),
    ),
    (
        ">>> optimizer = optim.SGD(net.parameters(), 0.05, momentum=0.9)\n>>> ExponentialLR(optimizer, 0.9)",
        {},
        lambda t: 0.05 * 0.9**t,
    ),
    (
        "MultiStepLR(optimizer, milestones=np.array([5, 10]), gamma=0.5)",
        {},
        lambda t: 0.1 * 0.5 ** ((t >= 5) + (t >= 10)),
    ),
    (
        "optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.2))\nparam_scheduler = [\n    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=6),\n    dict(type='MultiStepLR', by_epoch=False, milestones=[10, 20], gamma=0.1)]",
        {},
        lambda t: 0.2 * (0.001 + 0.999 * min(t, 5) / 5) * 0.1 ** ((t >= 10) + (t >= 20)),
    ),
    (
        "param_scheduler = dict(type=CosineAnnealingLR, T_max=3)",
        {"epoch_length": 10},
        lambda t: 0.1 * cosine(t // 10, 3),
    ),
    (
        "CosineAnnealingWithWarmupScheduler(t_warmup=Time(5, 'ba'), t_max=Time.from_timestring('30ba'))",
        {},
        lambda t: 0.1 * t / 5 if t < 5 else 0.1 * cosine(min(t - 5, 25), 25),
    ),
    (
        "def one_cycle(y1=0.0, y2=1.0, steps=100):\n    return lambda x: ((1 - math.cos(x * math.pi / steps)) / 2) * (y2 - y1) + y1\nlf = one_cycle(1, 0.1, epochs)\nLambdaLR(optimizer, lr_lambda=lf)",
        {"epochs": 40},
        lambda t: 0.1 * ((1 - math.cos(t * pi / 40)) / 2 * -0.9 + 1),
    ),
    (
        "def warm(n, power=1):\n    def f(step):\n        if step < n:\n            return (step / n) ** power\n        return 1.0\n    return f\nLambdaLR(optimizer, warm(8, power=2))",
        {},
        lambda t: 0.1 * min(1, t / 8) ** 2,
    ),
    (
        "get_scheduler(SchedulerType('cosine'), optimizer, 5, math.ceil(len(dl) / accum))",
        {"len(dl)": 81, "accum": 2},
        lambda t: 0.1 * cosine_warm(t, 5, 41),
    ),
]


def test_the_corpus_is_one():
    assert len(CORPUS) >= 80
    assert len({code for code, *_ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(("code", "let", "formula"), CORPUS, ids=range(len(CORPUS)))
def test_a_call_as_people_write_it_has_the_rates_of_its_formula(code, let, formula):
    made = read_text(code, let=let)
    steps = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 14, 15, 19, 20, 21, 24, 25, 29]
    assert [made(step) for step in steps] == pytest.approx([formula(step) for step in steps], rel=1e-9, abs=1e-14)


# What is left open ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (
            "OneCycleLR(optimizer, max_lr=LR, epochs=args.epochs, steps_per_epoch=len(loader))",
            ["LR", "args.epochs", "len(loader)"],
        ),
        ("CosineAnnealingLR(optimizer, T_max=epochs * len(loader) - warm)", ["epochs", "len(loader)", "warm"]),
        ("LambdaLR(optimizer, lambda s: min(1, s / W))", ["W"]),
        ("LambdaLR(optimizer, build(cfg))", ["build(cfg)"]),
        ("StepLR(optimizer, cfg['train']['step'])", ["cfg['train']['step']"]),
        ("n = epochs * 3\nStepLR(optimizer, n)", ["epochs"]),
        ("optax.join_schedules([optax.linear_schedule(0, lr, w)], [])", ["lr", "w"]),
    ],
)
def test_names_that_nobody_gave_are_listed_all_at_once(code, names):
    with pytest.raises(GlidepathError, match="must be known, got") as error:
        read_text(code)
    for name in names:
        assert f"--let {name}=…" in str(error.value) or f"--let '{name}'=…" in str(error.value) or "[" in name
        assert name in str(error.value)


def test_a_name_is_taken_from_the_code_before_the_call_and_told_otherwise():
    code = "n = 10\na = StepLR(o, n)\nn = 20\nb = StepLR(o, n)"
    one, two = read_calls(code)
    assert (one.line, two.line) == (2, 4)
    assert [found.schedules()[""](15) for found in (one, two)] == [pytest.approx(0.01), 0.1]
    assert read_text(code, let={"n": 5}, call=1)(5) == pytest.approx(0.01)
    assert read_text(code, call=2)(15) == 0.1
    with pytest.raises(GlidepathError, match=re.escape("1: line 2: StepLR(o, n); 2: line 4: StepLR(o, n)")):
        read_text(code)
    with pytest.raises(GlidepathError, match="call must be one from 1 to 2, got 3"):
        read_text(code, call=3)


def test_nothing_is_ever_run(tmp_path: Path):
    trap = tmp_path / "trap"
    with pytest.raises(GlidepathError, match="must be known"):
        read_text(f"StepLR(optimizer, __import__('os').system('touch {trap}'))")
    with pytest.raises(GlidepathError, match="must be known"):
        read_text(f"LambdaLR(optimizer, lambda e: open('{trap}', 'w'))")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("def f(e):\n    for i in range(e):\n        pass\n    return 1", "line 2 is no assignment, if or return"),
        ("def f(e):\n    if e > 3:\n        return 1", "a way through it returns nothing"),
        ("def f(e, k):\n    return e * k", "it has the arguments e, k"),
        ("f = lambda: 3", "it has the arguments nothing"),
    ],
)
def test_a_function_that_is_no_formula_is_refused_with_the_reason(function, reason):
    with pytest.raises(GlidepathError, match=reason):
        read_text(f"{function}\nLambdaLR(optimizer, f)")


# Groups ---------------------------------------------------------------------------------------------------------------------------------


def test_a_list_for_groups_is_one_schedule_for_each():
    code = "torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=[lambda e: e // 30, lambda e: 0.95 ** e])"
    made = read_groups(code)
    assert list(made) == ["0", "1"]
    assert [made["0"](60), made["1"](2)] == [0.2, pytest.approx(0.1 * 0.95**2)]
    assert read_text(code, group=1) == made["1"]
    with pytest.raises(
        GlidepathError, match="group must be from 0 to 1: an argument holds one value for each, got None"
    ):
        read_text(code)
    rates = read_groups("optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[1e-4, 1e-3], epochs=10, steps_per_epoch=100)")
    assert [rates[name](299) for name in ("0", "1")] == pytest.approx([1e-4, 1e-3])
    alone = read_groups("OneCycleLR(optimizer, max_lr=[0.5], total_steps=10)")
    assert list(alone) == [""]
    with pytest.raises(GlidepathError, match=r"base_lr must be as long as the other lists for groups, got \[2, 3\]"):
        read_groups("CyclicLR(optimizer, base_lr=[0.1, 0.2], max_lr=[1, 2, 3])")


# Files and notes ------------------------------------------------------------------------------------------------------------------------


FILE = '''
"""A training script."""
import argparse
import torch
from torch.optim import lr_scheduler
from mysched import StepLR  # somebody's own

parser = argparse.ArgumentParser()


class Trainer:
    def __init__(self, args, model):
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
        self.warm = lr_scheduler.LinearLR(self.optimizer, start_factor=0.1, total_iters=5)
        self.main = lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=args.epochs - 5)
        self.scheduler = lr_scheduler.SequentialLR(self.optimizer, [self.warm, self.main], milestones=[5])

    def other(self):
        return StepLR(self.optimizer, 3)


def finetune(optimizer):
    return torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
'''


def test_a_file_lists_its_outermost_calls_with_their_lines():
    found = read_calls(FILE, let={"args.epochs": 25})
    assert [(one.call.name.rpartition(".")[2], one.line) for one in found] == [
        ("SequentialLR", 15),
        ("ExponentialLR", 22),
    ]
    assert found[0].base == 0.2
    made = read_text(FILE, call=1, let={"args.epochs": 25})
    assert [made(step) for step in (0, 5, 15)] == pytest.approx([0.02, 0.2, 0.1])


def test_what_bears_on_nothing_is_taken_and_a_position_is_told_of():
    call = "torch.optim.lr_scheduler.StepLR(optimizer, 3, last_epoch=-1, verbose=False, name='x', global_step=s)"
    assert read_text(call) == read_text("torch.optim.lr_scheduler.StepLR(step_size=3)")
    (found,) = read_calls("torch.optim.lr_scheduler.StepLR(optimizer, 3, last_epoch=41)")
    assert found.notes == ("last_epoch=41 has no effect: step 0 is the beginning, seek(step) goes elsewhere",)
    with pytest.raises(GlidepathError, match=r"last_epoch must be -1.*\(seek\(step\)"):
        dialects.load("pytorch", "StepLR", {"step_size": 3, "last_epoch": 7})


@pytest.mark.parametrize(
    ("code", "match"),
    [
        ("x = 3", "must be code with a call of a scheduler in it, got '0 other calls'"),
        ("StepLR(optimizer,", "a call such as StepLR.*was never closed"),
        ("a = 1\nb = (", "in line 2"),
        ("foo(optimizer, 3)", "call must be a scheduler of a known library, or our own text, got 'foo'"),
        ("CosineAnnealingWarmUpRestarts(optimizer, T_0=10)", r"sgdr\(T_0, growth=T_mult, decay=gamma, warmup=T_up\)"),
    ],
)
def test_what_is_no_scheduler_is_said_to_be_none(code, match):
    with pytest.raises(GlidepathError, match=match):
        read_text(code, framework="pytorch") if "WarmUp" in code else dialects.read_calls(code)


def test_every_place_that_takes_our_text_takes_a_call():
    factor = parse("torch.optim.lr_scheduler.StepLR(optimizer, 3)")
    assert str(factor) == "step(3)"
    assert not factor.absolute
    assert parse("OneCycleLR(optimizer, max_lr=0.4, total_steps=30)").absolute
    assert parse("optax.cosine_decay_schedule(1e-3, 10)")(0) == 1e-3
    with pytest.raises(GlidepathError, match=r"did you mean 'warmup'\?"):
        parse("warmupp(3)")


def test_a_call_drives_an_optimizer():
    torch = pytest.importorskip("torch")
    from glidepath.torch import attach

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    attach(optimizer, "torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)")
    rates = []
    for _ in range(5):
        optimizer.param_groups[0]["params"][0].grad = torch.zeros(1)
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.5, 0.5, 0.05, 0.05, 0.005])


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("ReduceLROnPlateau(optimizer, 'min', factor=0.5, patience=3)", "pytorch_plateau([0.1], 0.5, 3)"),
        ("keras.callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.2, patience=5, min_lr=0.001)",
         "keras_plateau([0.1], 0.2, 5, floors=[0.001])"),
        ("ReduceLROnPlateau(patience=2, min_delta=0.01)", "keras_plateau([0.1], patience=2, threshold=0.01)"),
        ("flow.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)", "oneflow_plateau([0.1], patience=2)"),
        ("paddle.optimizer.lr.ReduceOnPlateau(0.1, patience=3, threshold_mode='abs')",
         "paddle_plateau([0.1], patience=3, relative='absolute')"),
        ("plateau(factor=0.5, patience=2)", "plateau(factor=0.5, patience=2)"),
    ],
)  # fmt: skip
def test_a_plateau_by_its_class_name_is_a_controller(text, made):
    from glidepath.dialects.plateaus import plateau_of
    from glidepath.feedback import Controller

    assert plateau_of(text) == Controller.of(made.replace("'", '"'))
    assert plateau_of("StepLR(optimizer, 3)") is None
    assert plateau_of("cosine(10)") is None
    with pytest.raises(GlidepathError, match="patience must be an integer from 0"):
        plateau_of(text.replace("patience=", "patience=-"))


def test_compare_takes_code_whose_names_are_given(tmp_path: Path):
    from glidepath.cli.training import _text

    script = tmp_path / "train.py"
    script.write_text("import torch\ns = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs * 10)\n")
    assert (
        _text("get_linear_schedule_with_warmup(optimizer, 0.05 * n, n)", ["n=60"]) == "warmup(3, start=0) >> linear(57)"
    )
    assert parse(_text(str(script), ["epochs=5"]))(50) == pytest.approx(0.0, abs=1e-15)
    for left in (
        "cosine",
        "warmup(3) >> cosine(5)",
        "StepLR(optimizer, 3)",
        "ReduceLROnPlateau(optimizer, patience=2)",
    ):
        assert _text(left, None) == left
    with pytest.raises(GlidepathError, match="T_max must be known, got epochs"):
        _text(str(script), None)
