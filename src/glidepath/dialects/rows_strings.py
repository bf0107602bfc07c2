"""The schedulers of other libraries in words: their signatures, a sentence for each, and what an example is made of.

A signature has the types of `arguments`. What each scheduler is in our words stands in its library's module, under the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIBRARIES: Mapping[str, Mapping[str, Any]] = {
    "pytorch": {
        "title": "PyTorch",
        "follows": "2.13",
        "modules": ("torch.optim.lr_scheduler", "torch.optim.swa_utils", "lrs"),
        "aliases": ("torch",),
        "grouped": ("max_lr", "base_lr", "lr_lambda", "swa_lr", "base_momentum", "max_momentum"),
    },
    "transformers": {
        "title": "transformers",
        "follows": "5.23",
        "modules": ("transformers.optimization", "transformers", "diffusers.optimization"),
        "aliases": ("hf", "huggingface"),
    },
    "optax": {
        "title": "optax",
        "follows": "0.2.8",
        "modules": ("optax.schedules", "optax"),
        "leading": (),
        "absolute": True,
    },
    "keras": {
        "title": "Keras",
        "follows": "3",
        "modules": (
            "keras.optimizers.schedules",
            "tf.keras.optimizers.schedules",
            "tensorflow.keras.optimizers.schedules",
            "tf.optimizers.schedules",
            "tf.keras.experimental",
            "keras.experimental",
            "keras.callbacks",
        ),
        "aliases": ("tf.keras",),
        "base": "initial_learning_rate",
    },
    "timm": {"title": "timm", "follows": "1.0.31", "modules": ("timm.scheduler", "timm.optim")},
    "mmengine": {
        "title": "MMEngine",
        "ignored": {"param_name": None},
        "follows": "0.10",
        "modules": ("mmengine.optim", "mmengine.optim.scheduler", "mmengine.optim.scheduler.lr_scheduler"),
        "grouped": ("eta_max",),
        "common": (
            "begin: real = 0, end: real = 1000000000, by_epoch: flag = True, convert_to_iter_based: flag = False, "
            "epoch_length: steps = None"
        ),
    },
    "mmcv": {
        "title": "mmcv",
        "follows": "1.7",
        "modules": ("mmcv.runner.hooks.lr_updater", "mmcv.runner.hooks", "mmcv.runner"),
        "leading": (),
        "grouped": ("max_lr",),
        "common": (
            "by_epoch: flag = True, warmup: any = None, warmup_iters: steps0 = 0, warmup_ratio: positive = 0.1, "
            "warmup_by_epoch: flag = False, max_epochs: steps = None, max_iters: steps = None, "
            "epoch_length: steps = None"
        ),
    },
    "fvcore": {
        "title": "fvcore and detectron2",
        "follows": "0.1.5",
        "modules": ("fvcore.common.param_scheduler", "detectron2.solver.lr_scheduler", "detectron2.solver"),
        "aliases": ("detectron2",),
        "ignored": {"last_iter": -1},
        "leading": (),
        "common": "max_iter: steps = 1",
    },
    "deepspeed": {
        "title": "DeepSpeed",
        "follows": "0.19",
        "modules": ("deepspeed.runtime.lr_schedules",),
        "ignored": {"last_batch_iteration": -1},
        "grouped": ("warmup_min_lr", "warmup_max_lr", "cycle_min_lr", "cycle_max_lr", "lr_range_test_min_lr"),
    },
    "composer": {
        "title": "Composer",
        "follows": "0.33",
        "modules": ("composer.optim.scheduler", "composer.optim"),
        "aliases": ("mosaicml",),
        "leading": (),
        "common": (
            "max_duration: text = None, dataloader_len: steps = None, batch_size: steps = None, "
            "batch_tokens: steps = None, ssr: positive = 1.0, in_trainer: flag = False"
        ),
    },
    "ignite": {
        "title": "Ignite",
        "follows": "0.5.5",
        "modules": ("ignite.handlers.param_scheduler", "ignite.handlers", "ignite.contrib.handlers"),
        "aliases": ("pytorch-ignite", "pytorch_ignite"),
        "leading": ("optimizer", "param_name"),
        "ignored": {
            "param_name": None,
            "save_history": None,
            "param_group_index": None,
            "output_simulated_values": None,
        },
    },
    "megatron": {
        "title": "Megatron-LM",
        "follows": "0.20",
        "modules": (
            "megatron.core.optimizer_param_scheduler",
            "megatron.core",
            "megatron.core.num_microbatches_calculator",
        ),
        "aliases": ("megatron-lm", "megatron_lm", "megatron-core"),
    },
    "fastai": {
        "title": "fastai",
        "follows": "2.8",
        "modules": ("fastai.callback.schedule", "fastai.callback.all", "fastai.vision.all", "learn", "learner"),
        "leading": (),
        "common": "max_iter: steps = 1, n_iter: steps = 1",
    },
    "lr_finder": {
        "title": "torch-lr-finder",
        "follows": "0.2.2",
        "modules": ("lr_finder", "LRFinder", "torch_lr_finder", "finder"),
        "aliases": ("torch-lr-finder", "torch_lr_finder"),
        "leading": ("train_loader", "val_loader"),
        "ignored": {
            "train_loader": None,
            "val_loader": None,
            "smooth_f": None,
            "diverge_th": None,
            "accumulation_steps": None,
        },
    },
    "paddle": {
        "title": "Paddle",
        "follows": "3.3",
        "modules": ("paddle.optimizer.lr", "paddle.optimizer"),
        "base": "learning_rate",
    },
    "tensorflow": {
        "title": "TensorFlow",
        "follows": "1",
        "modules": ("tf.train", "tf.compat.v1.train", "tensorflow.train", "tensorflow.compat.v1.train"),
        "aliases": ("tf",),
        "base": "learning_rate",
        "ignored": {"x": None},
        "leading": ("learning_rate", "global_step"),
    },
    "tensorflow/models": {
        "title": "object detection",
        "modules": ("object_detection.utils.learning_schedules",),
        "base": "learning_rate_base",
        "versioned": True,
        "leading": ("global_step", "learning_rate_base"),
    },
    "oneflow": {
        "title": "OneFlow",
        "follows": "0.7 to master",
        "modules": ("oneflow.optim.lr_scheduler", "flow.optim.lr_scheduler", "oneflow.nn.lr_scheduler"),
        "aliases": ("flow",),
        "versioned": True,
    },
    "mlx": {
        "title": "MLX",
        "follows": "0.32",
        "modules": ("mlx.optimizers.schedulers", "mlx.optimizers", "optim"),
        "leading": (),
        "absolute": True,
    },
    "olmo_core": {
        "title": "OLMo-core",
        "follows": "3.0",
        "modules": ("olmo_core.optim.scheduler", "olmo_core.optim"),
        "aliases": ("olmo", "olmo-core"),
        "leading": (),
        "ignored": {"lr_field": None, "initial_lr_field": None, "units": None},
        "common": "t_max: steps = None",
    },
    "warmups": {
        "title": "Warmup classes of PyPI",
        "modules": ("warmup_scheduler", "cosine_annealing_warmup"),
        "aliases": ("warmup_scheduler", "cosine_annealing_warmup"),
    },
    "torchtitan": {
        "title": "torchtitan",
        "follows": "0.2",
        "modules": ("torchtitan.components.lr_scheduler", "torchtitan.components.optimizer.lr_scheduler"),
        "leading": (),
    },
    "nemo": {
        "title": "NeMo",
        "follows": "2.5",
        "modules": ("nemo.core.optim.lr_scheduler", "nemo.core.optim"),
        "common": (
            "warmup_steps: steps0 = None, warmup_ratio: share = None, max_steps: steps = None, min_lr: least0 = 0.0"
        ),
    },
    "fairseq": {
        "title": "fairseq",
        "follows": "0.12",
        "modules": ("fairseq.optim.lr_scheduler", "fairseq.optim"),
        "leading": (),
    },
    "trainers": {"title": "Training scripts", "modules": ("trainers",), "leading": ()},
}

ROWS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pytorch": {
        "StepLR": (
            "(step_size: steps, gamma: positive = 0.1)",
            "One more gamma every `step_size` steps.",
        ),
        "MultiStepLR": (
            "(milestones: times, gamma: positive = 0.1)",
            "One more gamma at each milestone; a repeated one counts as often as it stands there.",
        ),
        "ConstantLR": (
            (
                "(factor: portion['PyTorch divides by it at the end'] = 0.3333333333333333, "
                "total_iters: steps['PyTorch would stay at factor for ever'] = 5)"
            ),
            "`factor` for `total_iters` steps, then 1.",
        ),
        "LinearLR": (
            (
                "(start_factor: portion = 0.3333333333333333, end_factor: share = 1.0, "
                "total_iters: steps['PyTorch would stop before end_factor'] = 5)"
            ),
            "A straight line from one factor to another.",
        ),
        "ExponentialLR": (
            "(gamma: positive)",
            "One more gamma every step.",
        ),
        "PolynomialLR": (
            "(total_iters: steps['PyTorch would stop before 0'] = 5, power: least0 = 1.0)",
            "A power of what is left of `total_iters` steps.",
        ),
        "LambdaLR": (
            "(lr_lambda: function)",
            "A function of the step times the base rate.",
        ),
        "MultiplicativeLR": (
            "(lr_lambda: function)",
            "The product of a function of the step over the steps so far: it has no closed form.",
        ),
        "CosineAnnealingLR": (
            "(T_max: span, eta_min: real = 0.0)",
            "Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on.",
        ),
        "CosineAnnealingWarmRestarts": (
            "(T_0: steps, T_mult: steps = 1, eta_min: real = 0.0)",
            "Half a cosine again and again, each `T_mult` times as long; `eta_min` itself falls between two steps.",
        ),
        "CyclicLR": (
            (
                "(base_lr: group, max_lr: group, step_size_up: steps = 2000, step_size_down: steps = None, mode: any "
                "= 'triangular', gamma: positive = 1.0, scale_fn: formula = None, scale_mode: 'cycle' | 'iterations' "
                "= 'cycle', cycle_momentum: flag = True, base_momentum: group = 0.8, max_momentum: group = 0.9)"
            ),
            "A triangular wave, its height constant, halved every cycle, or falling with the step.",
        ),
        "OneCycleLR": (
            (
                "(max_lr: group, total_steps: steps = None, epochs: steps = None, steps_per_epoch: steps = None, "
                "pct_start: share = 0.3, anneal_strategy: 'cos' | 'linear' = 'cos', cycle_momentum: flag = True, "
                "base_momentum: group = 0.85, max_momentum: group = 0.95, div_factor: positive = 25.0, "
                "final_div_factor: positive = 1e4, three_phase: flag = False)"
            ),
            (
                "Up to `max_lr` and far down again; the peak is not on a whole step in general. Held from "
                "`total_steps - 1` on."
            ),
        ),
        "SWALR": (
            "(swa_lr: group, anneal_epochs: steps0 = 10, anneal_strategy: 'cos' | 'linear' = 'cos')",
            "From the base rate to `swa_lr`, then there.",
        ),
        "SequentialLR": (
            "(schedulers: children, milestones: marks)",
            "One scheduler after another, each from its own beginning and from the base rate.",
        ),
        "ChainedScheduler": (
            "(schedulers: children)",
            (
                "Several schedulers on one optimizer, stepped in turn: the product of factors, or replayed where one "
                "is none."
            ),
        ),
    },
    "keras": {
        "ExponentialDecay": (
            "(decay_steps: span, decay_rate: positive, staircase: flag = False)",
            "`decay_rate` to the power of the step over `decay_steps`.",
        ),
        "PiecewiseConstantDecay": (
            "(_, /, boundaries: any, values: any)",
            "One value after another; at a boundary the old one still holds.",
        ),
        "PolynomialDecay": (
            "(decay_steps: span, end_learning_rate: real = 0.0001, power: least0 = 1.0, cycle: flag = False)",
            "A power of what is left, down to `end_learning_rate`.",
        ),
        "InverseTimeDecay": (
            "(decay_steps: span, decay_rate: least0, staircase: flag = False)",
            "The reciprocal of the step over `decay_steps`.",
        ),
        "CosineDecay": (
            "(decay_steps: span, alpha: real = 0.0, warmup_target: real = None, warmup_steps: steps0 = 0)",
            (
                "Half a cosine down to the share `alpha`, after a warmup that comes on top of `decay_steps` if it has"
                " a target."
            ),
        ),
        "CosineDecayRestarts": (
            "(first_decay_steps: span, t_mul: real = 2.0, m_mul: positive = 1.0, alpha: real = 0.0)",
            "Half a cosine again and again, longer and lower.",
        ),
    },
    "tensorflow": {
        "train.piecewise_constant": (
            "(x, /, boundaries: any, values: any)",
            "One value after another; at a boundary the old one still holds.",
        ),
        "train.piecewise_constant_decay": (
            "(x, /, boundaries: any, values: any)",
            "One value after another; at a boundary the old one still holds.",
        ),
        "train.exponential_decay": (
            "(decay_steps: span, decay_rate: positive, staircase: flag = False)",
            "`decay_rate` to the power of the step over `decay_steps`.",
        ),
        "train.inverse_time_decay": (
            "(decay_steps: span, decay_rate: least0, staircase: flag = False)",
            "The reciprocal of the step over `decay_steps`.",
        ),
        "train.natural_exp_decay": (
            "(decay_steps: span, decay_rate: real, staircase: flag = False)",
            "The natural exponential of the step over `decay_steps`.",
        ),
        "train.polynomial_decay": (
            "(decay_steps: span, end_learning_rate: real = 0.0001, power: least0 = 1.0, cycle: flag = False)",
            "A power of what is left, down to `end_learning_rate`.",
        ),
        "train.cosine_decay": (
            "(decay_steps: span, alpha: real = 0.0)",
            "Half a cosine down to the share `alpha`.",
        ),
        "train.cosine_decay_restarts": (
            "(first_decay_steps: span, t_mul: real = 2.0, m_mul: positive = 1.0, alpha: real = 0.0)",
            "Half a cosine again and again, longer and lower.",
        ),
        "train.linear_cosine_decay": (
            "(decay_steps: span, num_periods: real = 0.5, alpha: real = 0.0, beta: real = 0.001)",
            "A cosine whose height falls in a straight line; above the base rate at step 0.",
        ),
        "train.noisy_linear_cosine_decay": (
            (
                "(decay_steps: span, initial_variance: any = 1.0, variance_decay: real = 0.55, num_periods: real = "
                "0.5, alpha: real = 0.0, beta: real = 0.001)"
            ),
            "The same without its noise: only `initial_variance=0` is a function of the step.",
        ),
    },
    "tensorflow/models": {
        "cosine_decay_with_warmup": (
            (
                "(total_steps: steps = None, warmup_learning_rate: real = 0.0, warmup_steps: steps0 = 0, "
                "hold_base_rate_steps: steps0 = 0, total_decay_steps: steps = None, alpha: share = 0.0)"
            ),
            (
                "A straight line up, a hold, half a cosine down to 0 at `total_steps`, which includes them "
                "all.\n\nAlso under the names `total_decay_steps` and `alpha`, the share of the rate at the end; "
                "with `version=2017` the first form, which climbs again."
            ),
        ),
        "exponential_decay_with_burnin": (
            (
                "(learning_rate_decay_steps: span, learning_rate_decay_factor: positive, burnin_learning_rate: real ="
                " 0.0, burnin_steps: steps0 = 0, min_learning_rate: real = 0.0, staircase: flag = True)"
            ),
            (
                "A constant rate (0 means the base rate), then an exponential decay; never below `min_learning_rate`,"
                " not even at first."
            ),
        ),
        "manual_stepping": (
            "(global_step, /, boundaries: any, rates: reals, warmup: flag = False)",
            (
                "One rate after another, each from its boundary on; with `warmup` a straight line from the first to "
                "the second."
            ),
        ),
    },
    "paddle": {
        "NoamDecay": (
            "(d_model, warmup_steps, learning_rate, /, d_model: positive, warmup_steps: steps)",
            "A straight line from 0, then the reciprocal of the square root of the step: the first update does nothing.",
        ),
        "PiecewiseDecay": (
            "(_, /, boundaries: any, values: any)",
            "One value after another, each from its boundary on.",
        ),
        "NaturalExpDecay": (
            "(gamma: positive)",
            "The natural exponential of the step.",
        ),
        "InverseTimeDecay": (
            "(gamma: least0)",
            "The reciprocal of the step.",
        ),
        "PolynomialDecay": (
            "(decay_steps: steps, end_lr: real = 0.0001, power: least0 = 1.0, cycle: flag = False)",
            "A power of what is left, down to `end_lr`.",
        ),
        "LinearWarmup": (
            "(_, /, learning_rate: any, warmup_steps: steps, start_lr: real, end_lr: real)",
            "A straight line, then a rate or another scheduler from its own beginning: `end_lr` only aims the line.",
        ),
        "ExponentialDecay": (
            "(gamma: inside)",
            "One more gamma every step.",
        ),
        "MultiStepDecay": (
            "(milestones: marks, gamma: inside = 0.1)",
            "One more gamma at each milestone.",
        ),
        "StepDecay": (
            "(step_size: steps, gamma: inside = 0.1)",
            "One more gamma every `step_size` steps.",
        ),
        "LambdaDecay": (
            "(lr_lambda: function)",
            "A function of the step times the base rate.",
        ),
        "MultiplicativeDecay": (
            "(lr_lambda: function)",
            "The product of a function of the step over the steps so far: it has no closed form.",
        ),
        "CosineAnnealingDecay": (
            "(T_max: steps, eta_min: real = 0)",
            "Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on.",
        ),
        "OneCycleLR": (
            (
                "(_, /, max_learning_rate: least0, total_steps: steps, divide_factor: positive = 25.0, end_learning_rate: "
                "least0 = 0.0001, phase_pct: share = 0.3, anneal_strategy: 'cos' | 'linear' = 'cos', three_phase: "
                "flag = False)"
            ),
            "Up to the maximum and down to `end_learning_rate`, an absolute rate; held from `total_steps - 1` on.",
        ),
        "CyclicLR": (
            (
                "(_, /, base_learning_rate: real, max_learning_rate: real, step_size_up: steps, step_size_down: steps = "
                "None, mode: 'triangular' | 'triangular2' | 'exp_range' = 'triangular', exp_gamma: positive = 1.0, "
                "scale_fn: formula = None, scale_mode: 'cycle' | 'iterations' = 'cycle')"
            ),
            "A triangular wave, its height constant, halved every cycle, or falling with the step.",
        ),
        "LinearLR": (
            "(total_steps: steps, start_factor: portion = 0.3333333333333333, end_factor: share = 1.0)",
            "A straight line from one factor to another.",
        ),
        "CosineAnnealingWarmRestarts": (
            "(T_0: steps, T_mult: steps = 1, eta_min: real = 0)",
            "Half a cosine again and again, each `T_mult` times as long; `eta_min` itself falls between two steps.",
        ),
        "exponential_decay": (
            "(decay_steps: span, decay_rate: positive, staircase: flag = False)",
            "`decay_rate` to the power of the step over `decay_steps`, as in a static graph.",
        ),
        "natural_exp_decay": (
            "(decay_steps: span, decay_rate: real, staircase: flag = False)",
            "The natural exponential of the step over `decay_steps`, as in a static graph.",
        ),
        "inverse_time_decay": (
            "(decay_steps: span, decay_rate: least0, staircase: flag = False)",
            "The reciprocal of the step over `decay_steps`, as in a static graph.",
        ),
    },
    "oneflow": {
        "StepLR": (
            "(step_size: span, gamma: positive = 0.1)",
            "One more gamma every `step_size` steps.",
        ),
        "MultiStepLR": (
            "(milestones: marks, gamma: positive = 0.1)",
            "One more gamma at each milestone.",
        ),
        "ConstantLR": (
            "(factor: share = 0.3333333333333333, total_iters: span0 = 5)",
            "`factor` for `total_iters` steps, then 1.",
        ),
        "LinearLR": (
            "(start_factor: share = 0.3333333333333333, end_factor: share = 1.0, total_iters: span0 = 5)",
            "A straight line from one factor to another; before 0.9 it jumps to 1 at its end, whatever `end_factor` is.",
        ),
        "ExponentialLR": (
            "(gamma: positive)",
            "One more gamma every step.",
        ),
        "PolynomialLR": (
            (
                "(decay_batch: span = None, end_learning_rate: real = 0.0001, power: least0 = 1.0, cycle: flag = "
                "False, steps: span = None)"
            ),
            (
                "A power of what is left, down to `end_learning_rate`; with `cycle` again and again, and step 0 "
                "is like step 1.\n\nThe length is called `steps` in 0.7 and `decay_batch` since."
            ),
        ),
        "CosineDecayLR": (
            "(decay_steps: span, alpha: real = 0.0)",
            "Half a cosine down to the share `alpha`, then there.",
        ),
        "CosineAnnealingLR": (
            "(T_max: span, eta_min: real = 0.0)",
            "Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on.",
        ),
        "CosineAnnealingWarmRestarts": (
            "(T_0: steps, T_mult: steps = 1, eta_min: real = 0.0, decay_rate: positive = 1.0, restart_limit: limit = 0)",
            (
                "Half a cosine again and again; each cycle begins at the decayed base rate, which may fall below "
                "`eta_min`.\n\n`restart_limit` counts cycles; after them the rate is `eta_min`."
            ),
        ),
        "LambdaLR": (
            "(lr_lambda: function)",
            "A function of the step times the base rate.",
        ),
        "MultiplicativeLR": (
            "(lr_lambda: function)",
            "The product of a function of the step over the steps so far: it has no closed form.",
        ),
        "SWALR": (
            (
                "(swa_lr: real, anneal_epochs: steps0 = 10, anneal_strategy: 'cos' | 'linear' = 'cos', last_epoch: "
                "unused = -1)"
            ),
            "From the base rate to `swa_lr`, then there.",
        ),
        "SequentialLR": (
            "(schedulers: children, milestones: marks, interval_rescaling: any = False)",
            "One scheduler after another, on the common clock or (`interval_rescaling`) from its own beginning.",
        ),
        "ChainedScheduler": (
            "(_, /, schedulers: children)",
            "Each scheduler takes the rate of the one before as its base, at the same step.",
        ),
        "WarmupLR": (
            (
                "(_, /, scheduler_or_optimizer: any, warmup_factor: any = 0.3333333333333333, warmup_iters: any = 5, "
                "warmup_method: any = 'linear', warmup_prefix: any = False)"
            ),
            "A warmup before a scheduler (`warmup_prefix`) or over its first steps, up to where it will be by then.",
        ),
        "WarmUpLR": (
            (
                "(_, /, scheduler_or_optimizer: any, warmup_factor: any = 0.3333333333333333, warmup_iters: any = 5, "
                "warmup_method: any = 'linear', warmup_prefix: any = False)"
            ),
            "A warmup before a scheduler (`warmup_prefix`) or over its first steps, up to where it will be by then.",
        ),
        "ExponentialDecayConf": (
            "(decay_batches: span, decay_rate: positive, staircase: flag = False)",
            "`decay_rate` to the power of the step over `decay_batches`.",
        ),
        "InverseTimeDecayConf": (
            "(decay_batches: span, decay_rate: positive, staircase: flag = False)",
            "The reciprocal of the step over `decay_batches`.",
        ),
        "NaturalExpDecayConf": (
            "(decay_batches: span, decay_rate: positive, staircase: flag = False)",
            "The natural exponential of the step over `decay_batches`.",
        ),
        "PiecewiseConstantConf": (
            "(boundaries: marks, values: reals)",
            "One value after another; each begins one step after its boundary.",
        ),
        "PiecewiseScalingConf": (
            "(boundaries: marks, scales: reals)",
            "One factor after another; each begins one step after its boundary.",
        ),
        "LinearCosineDecayConf": (
            "(decay_batches: span, num_periods: real = 0.5, alpha: real = 0.0, beta: real = 0.001)",
            "A cosine whose height falls in a straight line.",
        ),
    },
    "transformers": {
        "get_constant_schedule": (
            "()",
            "The optimizer's rate.",
        ),
        "get_constant_schedule_with_warmup": (
            "(num_warmup_steps: fine0)",
            "A straight line from 0, then the optimizer's rate.",
        ),
        "get_linear_schedule_with_warmup": (
            "(num_warmup_steps: fine0, num_training_steps: fine0)",
            "A straight line from 0, then one down to 0 at `num_training_steps`.",
            "num_warmup_steps=1000, num_training_steps=10000",
        ),
        "get_cosine_schedule_with_warmup": (
            "(num_warmup_steps: fine0, num_training_steps: fine0, num_cycles: positive = 0.5)",
            (
                "A straight line from 0, then a cosine of `num_cycles` waves up to `num_training_steps`, where it "
                "climbs again."
            ),
            "num_warmup_steps=1000, num_training_steps=10000",
        ),
        "get_cosine_with_hard_restarts_schedule_with_warmup": (
            "(num_warmup_steps: fine0, num_training_steps: fine0, num_cycles: positive = 1)",
            "A straight line from 0, then `num_cycles` half cosines, and 0 from `num_training_steps` on.",
            "num_warmup_steps=1000, num_training_steps=10000, num_cycles=4",
        ),
        "get_polynomial_decay_schedule_with_warmup": (
            "(num_warmup_steps: fine0, num_training_steps: fine0, lr_end: real = 1e-7, power: least0 = 1.0)",
            "A straight line from 0, then a power of what is left, down to `lr_end`.",
            "num_warmup_steps=1000, num_training_steps=10000",
        ),
        "get_inverse_sqrt_schedule": (
            "(num_warmup_steps: fine0, timescale: fine0 = None)",
            ("A straight line from 0, then the reciprocal of the square root of the step over `timescale`, for ever."),
        ),
        "get_cosine_with_min_lr_schedule_with_warmup": (
            (
                "(num_warmup_steps: fine0, num_training_steps: fine0, num_cycles: positive = 0.5, last_epoch: "
                "unused = -1, min_lr: least0 = None, min_lr_rate: least0 = None)"
            ),
            (
                "A straight line from 0, then a cosine down to `min_lr`, or to the share `min_lr_rate`, where it "
                "climbs again."
            ),
            "num_warmup_steps=1000, num_training_steps=10000, min_lr_rate=0.1",
        ),
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": (
            (
                "(num_warmup_steps: fine0, num_training_steps: fine0, num_cycles: positive = 0.5, last_epoch: "
                "unused = -1, min_lr: least0 = None, min_lr_rate: least0 = None, warmup_lr_rate: least0 = None)"
            ),
            (
                "The same one step ahead: the first update has one part of the warmup, the floor comes at "
                "`num_training_steps - 1`."
            ),
            "num_warmup_steps=1000, num_training_steps=10000, min_lr_rate=0.1",
        ),
        "get_wsd_schedule": (
            (
                "(num_warmup_steps: fine0, num_decay_steps: fine0, num_training_steps: fine0 = None, "
                "num_stable_steps: fine = None, warmup_type: 'linear' | 'cosine' | '1-sqrt' = 'linear', decay_type: "
                "'linear' | 'cosine' | '1-sqrt' = 'cosine', min_lr_ratio: least0 = 0.0, num_cycles: positive = 0.5)"
            ),
            (
                "From the share `min_lr_ratio` up, then constant, then down to it; `num_stable_steps` wins over "
                "`num_training_steps`."
            ),
            "num_warmup_steps=1000, num_decay_steps=2000, num_training_steps=10000",
        ),
        "get_scheduler": (
            (
                "(_, /, name: text, optimizer: unused = None, num_warmup_steps: least0 = None, num_training_steps: least0 "
                "= None, scheduler_specific_kwargs: any = None)"
            ),
            ("One of the others by its type, such as `cosine`, with its own arguments in `scheduler_specific_kwargs`."),
            "name='cosine', num_warmup_steps=1000, num_training_steps=10000",
        ),
    },
    "optax": {
        "constant_schedule": (
            "(value: real)",
            "One value.",
        ),
        "polynomial_schedule": (
            (
                "(init_value: real, end_value: real, power: least0, transition_steps: whole, transition_begin: whole "
                "= 0)"
            ),
            "A power of what is left, from `init_value` to `end_value`; of no length, `init_value` for ever.",
            "init_value=0.1, end_value=0.001, power=2.0, transition_steps=10000",
        ),
        "linear_schedule": (
            "(init_value: real, end_value: real, transition_steps: whole, transition_begin: whole = 0)",
            "A straight line; of no length, `init_value` for ever.",
            "init_value=0.1, end_value=0.001, transition_steps=10000",
        ),
        "piecewise_constant_schedule": (
            "(init_value: real, boundaries_and_scales: factors = None)",
            "Multiplied by one more scale from each boundary on.",
            "init_value=0.1, boundaries_and_scales={3000: 0.3, 6000: 0.3}",
        ),
        "exponential_decay": (
            (
                "(init_value: real, transition_steps: whole, decay_rate: least0, transition_begin: whole = 0, "
                "staircase: flag = False, end_value: real = None)"
            ),
            (
                "`decay_rate` to the power of the steps since `transition_begin` over `transition_steps`; "
                "`end_value` bounds all of it."
            ),
            "init_value=0.1, transition_steps=3000, decay_rate=0.5",
        ),
        "cosine_decay_schedule": (
            "(init_value: real, decay_steps: steps, alpha: real = 0.0, exponent: positive = 1.0)",
            "Half a cosine down to the share `alpha`, raised to `exponent` first.",
        ),
        "piecewise_interpolate_schedule": (
            "(interpolate_type: 'linear' | 'cosine', init_value: real, boundaries_and_scales: factors = None)",
            ("A line or half a cosine from each product of the scales to the next, which it reaches at its boundary."),
            "interpolate_type='linear', init_value=0.1, boundaries_and_scales={3000: 0.3, 10000: 0.1}",
        ),
        "linear_onecycle_schedule": (
            (
                "(transition_steps: steps, peak_value: real, pct_start: share = 0.3, pct_final: share = 0.85, "
                "div_factor: positive = 25.0, final_div_factor: positive = 1e4)"
            ),
            "Up to `peak_value`, back down to where it began, and on to `final_div_factor` less.",
        ),
        "cosine_onecycle_schedule": (
            (
                "(transition_steps: steps, peak_value: real, pct_start: share = 0.3, div_factor: positive = 25.0, "
                "final_div_factor: positive = 1e4)"
            ),
            (
                "Half a cosine up to `peak_value`, and one down to `div_factor * final_div_factor` less at "
                "`transition_steps`."
            ),
        ),
        "warmup_constant_schedule": (
            "(init_value: real, peak_value: real, warmup_steps: steps0)",
            "A straight line, then constant; without a warmup, `init_value` for ever.",
            "init_value=0.0, peak_value=0.1, warmup_steps=1000",
        ),
        "warmup_cosine_decay_schedule": (
            (
                "(init_value: real, peak_value: real, warmup_steps: steps0, decay_steps: steps, end_value: real = "
                "0.0, exponent: positive = 1.0)"
            ),
            "A straight line up, then half a cosine down to `end_value` at `decay_steps`, which holds the warmup.",
            "init_value=0.0, peak_value=0.1, warmup_steps=1000, decay_steps=10000",
        ),
        "warmup_exponential_decay_schedule": (
            (
                "(init_value: real, peak_value: real, warmup_steps: steps0, transition_steps: whole, decay_rate: "
                "least0, transition_begin: whole = 0, staircase: flag = False, end_value: real = None)"
            ),
            "A straight line up, then an exponential decay on its own clock.",
            "init_value=0.0, peak_value=0.1, warmup_steps=1000, transition_steps=3000, decay_rate=0.5",
        ),
        "sgdr_schedule": (
            "(cosine_kwargs: dicts)",
            "One warmup and cosine after another, each with its own arguments.",
            "cosine_kwargs=[{'init_value': 0, 'peak_value': 0.1, 'warmup_steps': 500, 'decay_steps': 10000}]",
        ),
        "join_schedules": (
            "(schedules: inners, boundaries: wholes)",
            "One schedule after another, each on its own clock from its boundary on.",
            "schedules='[linear_schedule(0.0, 0.1, 1000), cosine_decay_schedule(0.1, 9000)]', boundaries=[1000]",
        ),
    },
    "timm": {
        "CosineLRScheduler": (
            (
                "(t_initial: span, lr_min: least0 = 0.0, cycle_mul: positive = 1.0, cycle_decay: positive = 1.0, "
                "cycle_limit: steps0 = 1, warmup_t: steps0 = 0, warmup_lr_init: real = 0.0, warmup_prefix: flag = "
                "False, t_in_epochs: unused = True, noise_range_t: any = None, noise_pct: unused = 0.67, noise_std: "
                "unused = 1.0, noise_seed: unused = 42, k_decay: positive = 1.0, initialize: unused = True)"
            ),
            "Half a cosine down to `lr_min`, in cycles, after or in place of a warmup.",
        ),
        "TanhLRScheduler": (
            (
                "(t_initial: span, lb: real = -7.0, ub: real = 3.0, lr_min: least0 = 0.0, cycle_mul: positive = "
                "1.0, cycle_decay: positive = 1.0, cycle_limit: steps0 = 1, warmup_t: steps0 = 0, warmup_lr_init: "
                "real = 0.0, warmup_prefix: flag = False, t_in_epochs: unused = True, noise_range_t: any = None, "
                "noise_pct: unused = 0.67, noise_std: unused = 1.0, noise_seed: unused = 42, initialize: unused = "
                "True)"
            ),
            "A hyperbolic tangent from `lb` to `ub`; without prefix the warmup climbs to where it then is.",
        ),
        "PolyLRScheduler": (
            (
                "(t_initial: span, power: positive = 0.5, lr_min: least0 = 0.0, cycle_mul: positive = 1.0, "
                "cycle_decay: positive = 1.0, cycle_limit: steps0 = 1, warmup_t: steps0 = 0, warmup_lr_init: real = "
                "0.0, warmup_prefix: flag = False, t_in_epochs: unused = True, noise_range_t: any = None, noise_pct: "
                "unused = 0.67, noise_std: unused = 1.0, noise_seed: unused = 42, k_decay: positive = 1.0, "
                "initialize: unused = True)"
            ),
            "A power of what is left, in cycles.",
        ),
        "StepLRScheduler": (
            (
                "(decay_t: span, decay_rate: positive = 1.0, warmup_t: steps0 = 0, warmup_lr_init: real = 0.0, "
                "warmup_prefix: flag = True, t_in_epochs: unused = True, noise_range_t: any = None, noise_pct: "
                "unused = 0.67, noise_std: unused = 1.0, noise_seed: unused = 42, initialize: unused = True)"
            ),
            "One more `decay_rate` every `decay_t`.",
        ),
        "MultiStepLRScheduler": (
            (
                "(decay_t: times, decay_rate: positive = 1.0, warmup_t: steps0 = 0, warmup_lr_init: real = 0.0, "
                "warmup_prefix: flag = True, t_in_epochs: unused = True, noise_range_t: any = None, noise_pct: "
                "unused = 0.67, noise_std: unused = 1.0, noise_seed: unused = 42, initialize: unused = True)"
            ),
            "One more `decay_rate` one step before each milestone, as timm has always done.",
            "decay_t=[3000, 6000, 9000], decay_rate=0.1",
        ),
        "WSDLRScheduler": (
            (
                "(t_initial: steps, decay_t: steps, lr_min: least0 = 0.0, stable_fn: 'constant' | 'rsqrt' | 'power' "
                "= 'constant', stable_timescale: positive = None, stable_power: positive = 0.5, decay_fn: any = "
                "'1-sqrt', decay_power: positive = 0.5, decay_ratio: positive = 0.1, warmup_t: steps0 = 0, "
                "warmup_lr_init: real = 0.0, t_in_epochs: unused = True, noise_range_t: any = None, noise_pct: "
                "unused = 0.67, noise_std: unused = 1.0, noise_seed: unused = 42, initialize: unused = True)"
            ),
            "A warmup, `t_initial - decay_t` steps stable, and a cooldown; the warmup comes on top.",
            "t_initial=10000, decay_t=2000, warmup_t=500",
        ),
        "create_scheduler_v2": (
            (
                "(sched: text = 'cosine', num_epochs: steps = 300, decay_epochs: span = None, decay_milestones: times "
                "= (90, 180, 270), cooldown_epochs: unused = 0, patience_epochs: unused = 10, decay_rate: positive = "
                "0.1, min_lr: least0 = 0.0, warmup_lr: least0 = 1e-5, warmup_epochs: steps0 = 0, warmup_prefix: flag "
                "= False, noise: any = None, noise_pct: unused = 0.67, noise_std: unused = 1.0, noise_seed: unused = "
                "42, cycle_mul: positive = 1.0, cycle_decay: positive = 0.1, cycle_limit: steps0 = 1, k_decay: "
                "positive = 1.0, decay_fn: any = None, stable_timescale: positive = None, plateau_mode: unused = "
                "'max', step_on_epochs: flag = True, updates_per_epoch: steps0 = 0)"
            ),
            (
                "One of the others by its word, with defaults of its own: `warmup_lr` 1e-5, `cycle_decay` 0.1, the "
                "power of `poly` 0.1."
            ),
        ),
    },
    "mmengine": {
        "ConstantLR": (
            "(factor: share = 0.3333333333333333, begin: real = 0, end: real = 1000000000)",
            "`factor` up to one step before the window's end, where the whole rate is back.",
            "factor=0.3, end=3000",
        ),
        "LinearLR": (
            (
                "(start_factor: share = 0.3333333333333333, end_factor: share = 1.0, begin: real = 0, end: real = "
                "1000000000)"
            ),
            "A straight line that is at its end on the last step of the window.",
            "start_factor=0.1, end=3000",
        ),
        "ExponentialLR": (
            "(gamma: positive, begin: real = 0, end: real = 1000000000)",
            "One more `gamma` every step.",
            "gamma=0.9995",
        ),
        "StepLR": (
            "(step_size: steps, gamma: positive = 0.1, begin: real = 0, end: real = 1000000000)",
            "One more `gamma` every `step_size` steps of the window.",
        ),
        "MultiStepLR": (
            (
                "(milestones: times, gamma: positive = 0.1, last_step: unused = -1, begin: real = 0, end: real = "
                "1000000000)"
            ),
            "One more `gamma` at each milestone, counted from the window's beginning.",
            "milestones=[3000, 6000, 9000]",
        ),
        "CosineAnnealingLR": (
            (
                "(T_max: steps = None, eta_min: least0 = None, begin: real = 0, end: real = 1000000000, "
                "eta_min_ratio: least0 = None)"
            ),
            "Half a cosine down in `T_max` steps, or in the window's, and back up.",
            "T_max=5000",
        ),
        "PolyLR": (
            "(eta_min: real = 0.0, power: positive = 1.0, begin: real = 0, end: real = 1000000000)",
            "A power of what is left, down to `eta_min` on the last step of the window.",
            "end=10000, eta_min=0.0001, power=0.9",
        ),
        "OneCycleLR": (
            (
                "(eta_max: real = 0.0, total_steps: steps = None, pct_start: share = 0.3, anneal_strategy: 'cos' | "
                "'linear' = 'cos', div_factor: positive = 25.0, final_div_factor: positive = 1e4, three_phase: flag "
                "= False, begin: real = 0, end: real = 1000000000)"
            ),
            "PyTorch's one cycle, the rate alone.",
            "eta_max=0.1, total_steps=10000",
        ),
        "CosineRestartLR": (
            (
                "(periods: lengths, restart_weights: reals = [1], eta_min: least0 = None, eta_min_ratio: least0 = None, "
                "begin: real = 0, end: real = 1000000000)"
            ),
            "Half a cosine in each period, from its own weight on; the last value stays.",
            "periods=[3000, 7000], restart_weights=[1, 0.5], eta_min=0.001",
        ),
        "param_scheduler": (
            "(_, /, parts: dicts, epoch_length: steps = None)",
            "The list of a configuration file: each changes the rate that the others left, from its `begin` up to its `end`.",
            (
                "parts=[{'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'end': 1000}, "
                "{'type': 'CosineAnnealingLR', 'T_max': 9000, 'by_epoch': False, 'begin': 1000, 'end': 10000}]"
            ),
        ),
    },
    "mmcv": {
        "FixedLrUpdaterHook": (
            "()",
            "The optimizer's rate.",
        ),
        "StepLrUpdaterHook": (
            "(step: any, gamma: positive = 0.1, min_lr: least0 = None)",
            "One more `gamma` every `step`, or at each of them, not below `min_lr`.",
            "step=[3000, 6000, 9000]",
        ),
        "ExpLrUpdaterHook": (
            "(gamma: positive)",
            "One more `gamma` every epoch, or iteration.",
            "gamma=0.9995",
        ),
        "PolyLrUpdaterHook": (
            "(power: positive = 1.0, min_lr: real = 0.0)",
            "A power of what is left of the run, down to `min_lr`.",
            "power=0.9, max_epochs=10000",
        ),
        "InvLrUpdaterHook": (
            "(gamma: positive, power: positive = 1.0)",
            "The reciprocal of a power of one and `gamma` for each epoch, or iteration.",
            "gamma=0.001",
        ),
        "CosineAnnealingLrUpdaterHook": (
            "(min_lr: least0 = None, min_lr_ratio: least0 = None)",
            "Half a cosine over the run.",
            "min_lr_ratio=0.01, max_epochs=10000",
        ),
        "LinearAnnealingLrUpdaterHook": (
            "(min_lr: least0 = None, min_lr_ratio: least0 = None)",
            "A straight line over the run.",
            "min_lr_ratio=0.01, max_epochs=10000",
        ),
        "FlatCosineAnnealingLrUpdaterHook": (
            "(start_percent: share = 0.75, min_lr: least0 = None, min_lr_ratio: least0 = None)",
            "Constant up to a share of the run, then half a cosine.",
            "min_lr_ratio=0.01, max_epochs=10000",
        ),
        "CosineRestartLrUpdaterHook": (
            "(periods: lengths, restart_weights: reals = [1], min_lr: least0 = None, min_lr_ratio: least0 = None)",
            "Half a cosine in each period, its height times a weight.",
            "periods=[3000, 7000], restart_weights=[1, 0.5], min_lr=0.001",
        ),
        "lr_config": (
            "(policy: text, **more)",
            "The hook of a configuration's `lr_config`, by its policy, with its own arguments.",
        ),
    },
    "fvcore": {
        "ConstantParamScheduler": (
            "(value: real)",
            "One value.",
        ),
        "CosineParamScheduler": (
            "(start_value: real, end_value: real)",
            "Half a cosine over the run.",
            "start_value=1.0, end_value=0.01, max_iter=10000",
        ),
        "LinearParamScheduler": (
            "(start_value: real, end_value: real)",
            "A straight line over the run.",
            "start_value=1.0, end_value=0.01, max_iter=10000",
        ),
        "ExponentialParamScheduler": (
            "(start_value: real, decay: positive)",
            "`decay` times as much at the end of the run, exponentially.",
            "start_value=1.0, decay=0.01, max_iter=10000",
        ),
        "PolynomialDecayParamScheduler": (
            "(base_value: real, power: positive)",
            "A power of what is left of the run.",
            "base_value=1.0, power=0.9, max_iter=10000",
        ),
        "MultiStepParamScheduler": (
            "(values: reals, num_updates: steps = None, milestones: marks = None)",
            "One value after another, from each milestone on; without them in equal parts.",
            "values=[1.0, 0.1, 0.01], num_updates=10000, max_iter=10000",
        ),
        "StepParamScheduler": (
            "(num_updates: positive, values: reals)",
            "One value after another in equal parts of the run.",
            "num_updates=10000, values=[1.0, 0.1, 0.01], max_iter=10000",
        ),
        "StepWithFixedGammaParamScheduler": (
            "(base_value: positive, num_decays: steps, gamma: positive, num_updates: steps)",
            "`num_decays` times `gamma`, in equal parts of the run.",
            "base_value=1.0, num_decays=3, gamma=0.3, num_updates=10000, max_iter=10000",
        ),
        "CompositeParamScheduler": (
            "(schedulers: any, lengths: reals, interval_scaling: any)",
            "Schedulers one after another, each on its own clock (`rescaled`) or on the run's (`fixed`).",
            (
                "schedulers='[LinearParamScheduler(0, 1), CosineParamScheduler(1, 0)]', lengths=[0.1, "
                "0.9],interval_scaling=['rescaled', 'rescaled'], max_iter=10000"
            ),
        ),
        "WarmupParamScheduler": (
            (
                "(scheduler: any, warmup_factor: real, warmup_length: share, warmup_method: 'linear' | 'constant' = "
                "'linear', rescale_interval: flag = False)"
            ),
            (
                "A warmup to where the scheduler then is; with `rescale_interval` to its beginning, and the whole of "
                "it after that."
            ),
            "scheduler='CosineParamScheduler(1, 0)', warmup_factor=0.001, warmup_length=0.1, max_iter=10000",
        ),
        "LRMultiplier": (
            "(optimizer, /, multiplier: any, max_iter: steps)",
            "A scheduler times the optimizer's rate, over `max_iter` steps.",
            "multiplier='CosineParamScheduler(1, 0)', max_iter=10000",
        ),
        "WarmupMultiStepLR": (
            (
                "(optimizer, /, milestones: marks, gamma: positive = 0.1, warmup_factor: real = 0.001, warmup_iters: steps0 = "
                "1000, warmup_method: 'linear' | 'constant' = 'linear')"
            ),
            "One more `gamma` at each milestone, under a warmup: detectron2's older class.",
        ),
        "WarmupCosineLR": (
            (
                "(optimizer, /, max_iters: steps, warmup_factor: real = 0.001, warmup_iters: steps0 = 1000, warmup_method: "
                "'linear' | 'constant' = 'linear')"
            ),
            "A cosine from the beginning of the run, under a warmup: detectron2's older class.",
        ),
    },
    "deepspeed": {
        "LRRangeTest": (
            (
                "(lr_range_test_min_lr: positive = 1e-3, lr_range_test_step_size: steps = 2000, "
                "lr_range_test_step_rate: real = 1.0, lr_range_test_staircase: flag = False)"
            ),
            (
                "The least rate times one more than the step over `lr_range_test_step_size`, times "
                "`lr_range_test_step_rate`."
            ),
        ),
        "OneCycle": (
            (
                "(cycle_min_lr: real, cycle_max_lr: real, decay_lr_rate: real = 0.0, cycle_first_step_size: steps = "
                "2000, cycle_second_step_size: steps0 = None, cycle_first_stair_count: steps0 = 0, "
                "cycle_second_stair_count: steps0 = None, decay_step_size: steps0 = 0, cycle_momentum: flag = True, "
                "cycle_min_mom: real = 0.8, cycle_max_mom: real = 0.9, decay_mom_rate: real = 0.0)"
            ),
            "A straight line up and one down, in stairs or not, then the reciprocal of the steps since.",
            "cycle_min_lr=0.001, cycle_max_lr=0.1",
        ),
        "WarmupLR": (
            (
                "(warmup_min_lr: real = 0.0, warmup_max_lr: real = None, warmup_num_steps: steps = 1000, "
                "warmup_type: 'log' | 'linear' = 'log')"
            ),
            "A logarithm up, or a straight line, then the highest rate.",
        ),
        "WarmupDecayLR": (
            (
                "(total_num_steps: steps, warmup_min_lr: real = 0.0, warmup_max_lr: real = 0.001, warmup_num_steps: "
                "steps = 1000, warmup_type: 'log' | 'linear' = 'log')"
            ),
            ("A logarithm up, or a straight line, then a straight line down to `warmup_min_lr` at `total_num_steps`."),
        ),
        "WarmupCosineLR": (
            (
                "(total_num_steps: steps, warmup_min_ratio: real = 0.0, warmup_num_steps: steps = 1000, "
                "cos_min_ratio: real = 1e-4, warmup_type: 'log' | 'linear' = 'log')"
            ),
            (
                "A logarithm up, or a straight line, to almost the optimizer's rate, then half a cosine down to "
                "`cos_min_ratio` of it."
            ),
        ),
    },
    "composer": {
        "StepScheduler": (
            "(step_size: text, gamma: positive = 0.1)",
            "One more `gamma` every `step_size`.",
            "step_size='3000ba'",
        ),
        "MultiStepScheduler": (
            "(milestones: children, gamma: positive = 0.1)",
            "One more `gamma` at each milestone.",
            "milestones=['3000ba', '6000ba']",
        ),
        "ConstantScheduler": (
            "(alpha: real = 1.0, t_max: text = '1dur')",
            "`alpha` until `t_max`, then 1.",
            "alpha=0.5, max_duration='10000ba'",
        ),
        "LinearScheduler": (
            "(alpha_i: real = 1.0, alpha_f: real = 0.0, t_max: text = '1dur')",
            "A straight line from `alpha_i` to `alpha_f` at `t_max`.",
            "max_duration='10000ba'",
        ),
        "ExponentialScheduler": (
            "(gamma: positive, decay_period: text = '1ep')",
            "`gamma` to the power of the time over `decay_period`.",
            "gamma=0.5, decay_period='3000ba'",
        ),
        "CosineAnnealingScheduler": (
            "(t_max: text = '1dur', alpha_f: real = 0.0)",
            "Half a cosine down to `alpha_f` at `t_max`.",
            "max_duration='10000ba'",
        ),
        "CosineAnnealingWarmRestartsScheduler": (
            "(t_0: text, t_mult: positive = 1.0, alpha_f: real = 0.0)",
            "Half a cosine again and again, each `t_mult` times as long, in whole steps.",
            "t_0='2500ba'",
        ),
        "PolynomialScheduler": (
            "(power: positive, t_max: text = '1dur', alpha_f: real = 0.0)",
            "A power of what is left, down to `alpha_f` at `t_max`.",
            "power=2, max_duration='10000ba'",
        ),
        "MultiStepWithWarmupScheduler": (
            "(t_warmup: text, milestones: children, gamma: positive = 0.1, scale_warmup: flag = False)",
            "A straight line from 0, then one more `gamma` at each milestone.",
            "t_warmup='1000ba', milestones=['3000ba', '6000ba']",
        ),
        "ConstantWithWarmupScheduler": (
            "(t_warmup: text, alpha: real = 1.0, t_max: text = '1dur', scale_warmup: flag = False)",
            "A straight line from 0 to `alpha`, then constant.",
            "t_warmup='1000ba', max_duration='10000ba'",
        ),
        "LinearWithWarmupScheduler": (
            (
                "(t_warmup: text, alpha_i: real = 1.0, alpha_f: real = 0.0, t_max: text = '1dur', scale_warmup: flag "
                "= False)"
            ),
            "A straight line from 0 to `alpha_i`, then one to `alpha_f` at `t_max`, which holds the warmup.",
            "t_warmup='1000ba', max_duration='10000ba'",
        ),
        "CosineAnnealingWithWarmupScheduler": (
            "(t_warmup: text, t_max: text = '1dur', alpha_f: real = 0.0, scale_warmup: flag = False)",
            "A straight line from 0, then half a cosine to `alpha_f` at `t_max`, which holds the warmup.",
            "t_warmup='1000ba', max_duration='10000ba'",
        ),
        "PolynomialWithWarmupScheduler": (
            (
                "(t_warmup: text, power: positive = 2.0, t_max: text = '1dur', alpha_f: real = 0.0, scale_warmup: "
                "flag = False)"
            ),
            ("A straight line from 0, then a power of what is left, to `alpha_f` at `t_max`, which holds the warmup."),
            "t_warmup='1000ba', max_duration='10000ba'",
        ),
    },
    "ignite": {
        "LinearCyclicalScheduler": (
            (
                "(start_value: real, end_value: real, cycle_size: steps, cycle_mult: positive = 1.0, "
                "start_value_mult: positive = 1.0, end_value_mult: positive = 1.0, warmup_duration: steps0 = 0, "
                "save_history: unused = False, param_group_index: unused = None, monotonic: flag = False)"
            ),
            "A triangle from one value to the other and back, or a saw-tooth (`monotonic`), again and again.",
            "start_value=0.1, end_value=0.001, cycle_size=2500",
        ),
        "CosineAnnealingScheduler": (
            (
                "(start_value: real, end_value: real, cycle_size: steps, cycle_mult: positive = 1.0, "
                "start_value_mult: positive = 1.0, end_value_mult: positive = 1.0, warmup_duration: steps0 = 0, "
                "save_history: unused = False, param_group_index: unused = None)"
            ),
            "Half a cosine from one value to the other, again and again.",
            "start_value=0.1, end_value=0.001, cycle_size=2500",
        ),
        "PiecewiseLinear": (
            "(milestones_values: pairs)",
            "Straight lines through the values at their steps, constant outside.",
        ),
        "ConcatScheduler": (
            "(_, /, schedulers: inners, durations: lengths)",
            "Schedulers one after another, each on its own clock.",
            (
                "schedulers='[LinearCyclicalScheduler(0.1, 0.5, 2000), CosineAnnealingScheduler(0.5, 0.01, 6000)]', "
                "durations=[2000]"
            ),
        ),
        "LRScheduler": (
            "(_, /, lr_scheduler: inner, save_history: unused = False, use_legacy: unused = False)",
            "A scheduler of PyTorch, as PyTorch steps it.",
            "lr_scheduler='torch.optim.lr_scheduler.StepLR(step_size=3000)'",
        ),
        "create_lr_scheduler_with_warmup": (
            "(_, /, lr_scheduler: any, warmup_start_value: real, warmup_duration: steps, warmup_end_value: real = None)",
            "A straight line whose last event has the end value, then the scheduler.",
            (
                "lr_scheduler='torch.optim.lr_scheduler.ExponentialLR(gamma=0.9997)', warmup_start_value=0.0, "
                "warmup_duration=1000"
            ),
        ),
        "ExpStateScheduler": (
            (
                "(_, /, initial_value: real, gamma: positive, param_name: unused = '', save_history: unused = False, "
                "create_new: unused = False)"
            ),
            "One more `gamma` with every event.",
            "initial_value=1.0, gamma=0.9997",
        ),
        "StepStateScheduler": (
            (
                "(_, /, initial_value: real, gamma: positive, step_size: steps, param_name: unused = '', save_history: "
                "unused = False, create_new: unused = False)"
            ),
            "One more `gamma` every `step_size` events.",
        ),
        "MultiStepStateScheduler": (
            (
                "(_, /, initial_value: real, gamma: positive, milestones: marks, param_name: unused = '', save_history: "
                "unused = False, create_new: unused = False)"
            ),
            "One more `gamma` at each milestone.",
        ),
    },
    "megatron": {
        "OptimizerParamScheduler": (
            (
                "(init_lr: real, max_lr: real, min_lr: least0, lr_warmup_steps: steps0, lr_decay_steps: steps, "
                "lr_decay_style: 'constant' | 'linear' | 'cosine' | 'inverse-square-root' | 'WSD', start_wd: least0 "
                "= 0.0, end_wd: least0 = 0.0, wd_incr_steps: steps0 = 0, wd_incr_style: 'constant' | 'linear' | "
                "'cosine' = 'constant', use_checkpoint_opt_param_scheduler: unused = True, "
                "override_opt_param_scheduler: unused = False, wsd_decay_steps: steps = None, lr_wsd_decay_style: "
                "'linear' | 'cosine' | 'exponential' | 'minus_sqrt' = None, *, increment: steps = 1)"
            ),
            "A straight line up, then down in one of its styles; the weight decay beside it.",
            (
                "init_lr=0.0, max_lr=0.1, min_lr=0.001, lr_warmup_steps=1000, lr_decay_steps=10000, "
                "lr_decay_style='cosine'"
            ),
        ),
        "StepBatchsizeNumMicroBatchesCalculator": (
            (
                "(_, /, micro_batch_size: unused = None, data_parallel_size: unused = None, schedule: text = '', "
                "seq_length: steps = None)"
            ),
            (
                "The global batch size by consumed samples, from thresholds in samples, or in tokens where "
                "`seq_length` is given."
            ),
            "schedule='0:8 3K:16 6K:32'",
        ),
    },
    "fastai": {
        "SchedLin": (
            "(start: real, end: real)",
            "A straight line over the run.",
            "start=0.1, end=0.001, max_iter=10000",
        ),
        "SchedCos": (
            "(start: real, end: real)",
            "Half a cosine over the run.",
            "start=0.1, end=0.001, max_iter=10000",
        ),
        "SchedNo": (
            "(start: real, end: real)",
            "The first value.",
            "start=0.1, end=0.1",
        ),
        "SchedExp": (
            "(start: positive, end: positive)",
            "Exponential from one value to the other over the run.",
            "start=0.1, end=0.001, max_iter=10000",
        ),
        "SchedPoly": (
            "(start: real, end: real, power: positive)",
            "A power of the share of the run that is done.",
            "start=0.1, end=0.001, power=2, max_iter=10000",
        ),
        "combined_cos": (
            "(pct: share, start: real, middle: real, end: real)",
            "Half a cosine to the middle value, and half a cosine to the end.",
            "pct=0.25, start=0.004, middle=0.1, end=1e-6, max_iter=10000",
        ),
        "combine_scheds": (
            "(pcts: reals, scheds: children)",
            "Functions one after another, each over its share of the run.",
            "pcts=[0.3, 0.7], scheds='[SchedLin(0.01, 0.1), SchedCos(0.1, 0.001)]', max_iter=10000",
        ),
        "fit_one_cycle": (
            (
                "(n_epoch: steps, lr_max: real = None, div: positive = 25.0, div_final: positive = 1e5, pct_start: "
                "share = 0.25, wd: unused = None, moms: reals = (0.95, 0.85, 0.95), cbs: unused = None, reset_opt: "
                "unused = False, start_epoch: unused = 0)"
            ),
            "Half a cosine up to `lr_max` and one far down, over all batches.",
            "n_epoch=10, lr_max=0.1, n_iter=1000",
        ),
        "fit_flat_cos": (
            (
                "(n_epoch: steps, lr: real = None, div_final: positive = 1e5, pct_start: share = 0.75, wd: unused = "
                "None, cbs: unused = None, reset_opt: unused = False, start_epoch: unused = 0)"
            ),
            "Constant for most of the run, then half a cosine.",
            "n_epoch=10, lr=0.1, n_iter=1000",
        ),
        "fit_sgdr": (
            (
                "(n_cycles: steps, cycle_len: steps, lr_max: real = None, cycle_mult: steps = 2, wd: unused = None, "
                "cbs: unused = None, reset_opt: unused = False, start_epoch: unused = 0)"
            ),
            "Half a cosine down to 0 again and again, each `cycle_mult` times as long.",
            "n_cycles=3, cycle_len=1, lr_max=0.1, n_iter=1500",
        ),
    },
    "lr_finder": {
        "range_test": (
            ("(start_lr: real = None, end_lr: real = 10, num_iter: steps = 100, step_mode: 'exp' | 'linear' = 'exp')"),
            (
                "From the optimizer's rate up to `end_lr` on the last of `num_iter` updates, exponentially or in a "
                "straight line."
            ),
        ),
    },
    "mlx": {
        "exponential_decay": (
            "(init: real, decay_rate: positive)",
            "One more `decay_rate` every step.",
            "init=0.1, decay_rate=0.9995",
        ),
        "step_decay": (
            "(init: real, decay_rate: positive, step_size: steps)",
            "One more `decay_rate` every `step_size` steps.",
            "init=0.1, decay_rate=0.5, step_size=3000",
        ),
        "cosine_decay": (
            "(init: real, decay_steps: steps, end: real = 0.0)",
            "Half a cosine down to `end`.",
        ),
        "linear_schedule": (
            "(init: real, end: real, steps: steps)",
            "A straight line.",
            "init=0.0, end=0.1, steps=10000",
        ),
        "join_schedules": (
            "(schedules: inners, boundaries: any)",
            "One schedule after another, each on its own clock.",
            "schedules='[linear_schedule(0.0, 0.1, 1000), cosine_decay(0.1, 9000)]', boundaries=[1000]",
        ),
    },
    "olmo_core": {
        "ConstantWithWarmup": (
            (
                "(warmup: steps0 = None, warmup_steps: steps0 = None, warmup_fraction: share = None, warmup_min_lr: "
                "least0 = 0.0)"
            ),
            "A straight line up, then constant.",
            "warmup=1000, t_max=10000",
        ),
        "WSD": (
            (
                "(warmup: steps0 = None, warmup_steps: steps0 = None, warmup_fraction: share = None, decay: steps = "
                "None, decay_steps: steps = None, decay_fraction: share = 0.1, warmup_min_lr: least0 = 0.0, "
                "decay_min_lr: least0 = 0.0)"
            ),
            "Up, constant, and a straight line down at the end.",
            "warmup=1000, t_max=10000",
        ),
        "PowerLR": (
            (
                "(b: real = -0.51, warmup: steps0 = None, warmup_steps: steps0 = None, warmup_fraction: share = "
                "None, warmup_min_lr: least0 = 0.0, decay: steps = None, decay_steps: steps = None, decay_fraction: "
                "share = 0.1, decay_min_lr: least0 = 0.0)"
            ),
            "Up, a power of the step over the warmup, and a straight line down at the end.",
            "warmup=1000, t_max=10000",
        ),
        "LinearWithWarmup": (
            (
                "(alpha_f: real = 0.1, t_max: steps = None, warmup: steps0 = None, warmup_steps: steps0 = None, "
                "warmup_fraction: share = None, warmup_min_lr: least0 = 0.0)"
            ),
            "Up, then a straight line to the share `alpha_f` at `t_max`.",
            "warmup=1000, t_max=10000",
        ),
        "CosWithWarmup": (
            (
                "(warmup: steps0 = None, warmup_steps: steps0 = None, warmup_fraction: share = None, alpha_f: real = "
                "0.1, t_max: steps = None, warmup_min_lr: least0 = 0.0)"
            ),
            "Up, then half a cosine to the share `alpha_f` at `t_max`.",
            "warmup=1000, t_max=10000",
        ),
        "CosWithWarmupAndLinearDecay": (
            (
                "(warmup: steps0 = None, warmup_steps: steps0 = None, warmup_fraction: share = None, alpha_f: real = "
                "0.1, t_max: steps = None, warmup_min_lr: least0 = 0.0, decay: steps = None, decay_steps: steps = "
                "None, decay_fraction: share = 0.1, decay_min_lr: least0 = 0.0)"
            ),
            "The same, with a straight line from where it is at the end.",
            "warmup=1000, t_max=10000",
        ),
        "InvSqrtWithWarmup": (
            (
                "(alpha_f: real = 0.1, warmup: steps0 = None, warmup_steps: steps0 = None, warmup_fraction: share = "
                "None, warmup_min_lr: least0 = 0.0)"
            ),
            "Up, then the reciprocal of the square root of the step, towards the share `alpha_f`.",
            "warmup=1000, t_max=10000",
        ),
        "WSDS": (
            (
                "(period_lengths: lengths, period_lr_multipliers: reals = None, warmup: steps0 = None, warmup_fraction: "
                "share = None, decay: steps = None, decay_fraction: share = None, warmup_min_lr: least0 = 0.0, "
                "decay_min_lr: least0 = 0.0)"
            ),
            "Up, then several periods, each constant and down at its end.",
            "period_lengths=[5000, 5000], warmup=1000, decay=1000",
        ),
        "ConstantScheduler": (
            "()",
            "The optimizer's rate.",
        ),
        "HalfCosWithWarmup": (
            (
                "(warmup: steps0 = None, warmup_steps: steps0 = None, warmup_fraction: share = None, alpha_f: real = "
                "0.1, t_max: steps = None, warmup_min_lr: least0 = 0.0)"
            ),
            "Up to the middle of a cosine, then its second half.",
            "warmup=1000, t_max=10000",
        ),
        "ExponentialScheduler": (
            "(lr_min: positive = 1e-9)",
            "Exponentially up from `lr_min` to the rate.",
            "t_max=10000",
        ),
        "ComposableSchedulerStage": (
            (
                "(duration: steps, shape: 'linear' | 'cosine' = 'linear', start_lr: least0 = None, "
                "start_lr_fraction: least0 = None, end_lr: least0 = None, end_lr_fraction: least0 = None)"
            ),
            "A line or half a cosine to a rate or to a share of the optimizer's: a stage of ComposableScheduler.",
            "duration=10000, end_lr_fraction=0.1",
        ),
        "OverrideDecay": (
            (
                "(start: steps0, duration: steps, shape: 'linear' | 'cosine' = 'linear', end_lr: least0 = None, "
                "end_lr_fraction: least0 = None)"
            ),
            "From the rate at `start` down to another: what `override_decay` takes.",
            "start=8000, duration=2000, end_lr=0.0",
        ),
        "ComposableScheduler": (
            "(stages: any, override_decay: any = None)",
            "Stages one after another, each from the last rate of the one before unless it says its own.",
            (
                "stages=[{'duration': 1000, 'start_lr': 0.0, 'end_lr_fraction': 1.0}, {'duration': 9000, 'shape': "
                "'cosine', 'end_lr_fraction': 0.1}]"
            ),
        ),
        "SequentialScheduler": (
            (
                "(schedulers: children, schedulers_max: times = None, schedulers_max_steps: times = None, "
                "override_decay: any = None)"
            ),
            "Schedulers one after another, each from the last rate of the one before.",
            (
                "schedulers='[ConstantWithWarmup(warmup=1000), LinearWithWarmup(warmup=0)]', schedulers_max=[4000], "
                "t_max=10000"
            ),
        ),
    },
    "warmups": {
        "GradualWarmupScheduler": (
            "(multiplier: positive, total_epoch: steps, after_scheduler: any = None)",
            "A straight line to `multiplier` times the rate, from 0 where that is 1, then another scheduler.",
            (
                "multiplier=1.0, total_epoch=1000, "
                "after_scheduler='torch.optim.lr_scheduler.CosineAnnealingLR(T_max=9000)'"
            ),
        ),
        "CosineAnnealingWarmupRestarts": (
            (
                "(first_cycle_steps: steps, cycle_mult: positive = 1.0, max_lr: real = 0.1, min_lr: real = 0.001, "
                "warmup_steps: steps0 = 0, gamma: positive = 1.0)"
            ),
            "A warmup and half a cosine again and again, each cycle longer and lower.",
            "first_cycle_steps=2500, warmup_steps=500",
        ),
    },
    "torchtitan": {
        "LRSchedulersContainer": (
            (
                "(warmup_steps: steps0 = 200, total_steps: steps = 10000, decay_ratio: share = None, decay_type: "
                "'linear' | 'sqrt' | 'cosine' = 'linear', min_lr_factor: share = 0.0)"
            ),
            (
                "A straight line whose first update has one part of it, then constant, then down in the last "
                "`decay_ratio` of the run."
            ),
        ),
    },
    "nemo": {
        "WarmupPolicy": (
            "()",
            "A straight line from 1 / (warmup_steps + 1), then the optimizer's rate; `min_lr` after `max_steps`.",
            "warmup_steps=1000, max_steps=10000",
        ),
        "WarmupHoldPolicy": (
            "(*, hold_steps: steps0 = None, hold_ratio: share = None)",
            "The same, with a hold that changes nothing.",
            "warmup_steps=1000, max_steps=10000, hold_steps=2000",
        ),
        "SquareAnnealing": (
            "(*, max_steps: steps, min_lr: least0 = 1e-5)",
            "A warmup, then the square of what is left, not below `min_lr`.",
            "warmup_steps=1000, max_steps=10000",
        ),
        "SquareRootAnnealing": (
            "(*, max_steps: steps)",
            "A warmup, then the square root of what is left of the whole run: it drops where the warmup ends.",
            "warmup_steps=1000, max_steps=10000",
        ),
        "CosineAnnealing": (
            "(*, max_steps: steps, constant_steps: steps0 = None, constant_ratio: share = None)",
            (
                "A warmup, then half a cosine down to `min_lr`; with `constant_steps` the warmup begins at 0 and "
                "`min_lr` holds at the end."
            ),
            "warmup_steps=1000, max_steps=10000",
        ),
        "NoamAnnealing": (
            "(*, d_model: positive)",
            (
                "The rate times the reciprocal of the square roots of `d_model` and of the step; the first two "
                "updates are alike."
            ),
            "warmup_steps=1000, max_steps=10000, d_model=512",
        ),
        "NoamHoldAnnealing": (
            ("(*, max_steps: steps, decay_rate: positive = 0.5, hold_steps: steps0 = None, hold_ratio: share = None)"),
            "A warmup, a hold, then a power of the step.",
            "warmup_steps=1000, max_steps=10000, hold_steps=2000",
        ),
        "WarmupAnnealing": (
            "(*, max_steps: steps)",
            "A warmup, then a straight line down to `min_lr`.",
            "warmup_steps=1000, max_steps=10000",
        ),
        "InverseSquareRootAnnealing": (
            "(*, max_steps: steps)",
            "A warmup, then the reciprocal of the square root of the step; `min_lr` only after `max_steps`.",
            "warmup_steps=1000, max_steps=10000",
        ),
        "T5InverseSquareRootAnnealing": (
            "(*, constant_steps: steps, max_steps: steps, min_lr: least0 = 0.0)",
            "The reciprocal of the square root of the step, whatever the optimizer's rate.",
            "constant_steps=1000, max_steps=10000",
        ),
        "PolynomialDecayAnnealing": (
            "(*, max_steps: steps, power: positive = 1.0, cycle: unused = False)",
            "A warmup, then a power of what is left, down to `min_lr`.",
            "warmup_steps=1000, max_steps=10000",
        ),
        "PolynomialHoldDecayAnnealing": (
            (
                "(*, max_steps: steps, power: positive = 1.0, cycle: unused = False, hold_steps: steps0 = None, "
                "hold_ratio: share = None)"
            ),
            "A warmup, a hold, then a power of what is left.",
            "warmup_steps=1000, max_steps=10000, hold_steps=2000",
        ),
        "WarmupHoldAnnealLinear": (
            "(*, max_steps: steps, hold_steps: steps0 = None, hold_ratio: share = None)",
            "A warmup, a hold, then a straight line down to `min_lr`; without a hold the line begins at step 0.",
            "warmup_steps=1000, max_steps=10000, hold_steps=2000",
        ),
        "WarmupHoldAnnealOneMinusSquareRoot": (
            "(*, max_steps: steps, hold_steps: steps0 = None, hold_ratio: share = None)",
            "A warmup, a hold, then one minus the square root of the way, not below `min_lr`.",
            "warmup_steps=1000, max_steps=10000, hold_steps=2000",
        ),
    },
    "fairseq": {
        "FixedLRSchedule": (
            "(warmup_updates: steps0 = 0, force_anneal: unused = None, lr_shrink: unused = 0.1)",
            "A straight line whose first update has one part of it, then the first rate.",
            "warmup_updates=1000",
        ),
        "InverseSquareRootSchedule": (
            "(warmup_updates: steps0 = 4000, warmup_init_lr: real = -1.0)",
            "A straight line, then the reciprocal of the square root of the update.",
        ),
        "CosineLRSchedule": (
            (
                "(warmup_updates: steps0 = 0, warmup_init_lr: real = -1.0, min_lr: least0 = 0.0, t_mult: positive = "
                "1.0, lr_period_updates: real = -1.0, lr_shrink: positive = 0.1, max_update: steps = None)"
            ),
            "A straight line from `min_lr`, then half a cosine again and again, each cycle longer and lower.",
            "warmup_updates=1000, max_update=10000",
        ),
        "PolynomialDecayLRSchedule": (
            (
                "(warmup_updates: steps0 = 0, total_num_update: steps = 1000000, end_learning_rate: real = 0.0, "
                "power: positive = 1.0, force_anneal: unused = None)"
            ),
            "A straight line from 0, then a power of what is left, down to `end_learning_rate`.",
            "warmup_updates=1000, total_num_update=10000",
        ),
        "TriStageLRSchedule": (
            (
                "(warmup_steps: steps0 = 0, hold_steps: steps0 = 0, decay_steps: steps0 = 0, phase_ratio: reals = "
                "None, init_lr_scale: positive = 0.01, final_lr_scale: positive = 0.01, max_update: steps = None)"
            ),
            "A straight line, a hold, an exponential decay, and its end.",
            "warmup_steps=1000, hold_steps=4000, decay_steps=5000",
        ),
        "TriangularLRSchedule": (
            ("(max_lr: positive, lr_period_updates: span = 5000, lr_shrink: positive = 0.1, shrink_min: flag = False)"),
            "A triangular wave from the rate to `max_lr`, lower every cycle.",
            "max_lr=1.0, lr_period_updates=5000",
        ),
        "StepLRSchedule": (
            (
                "(warmup_updates: steps0 = 0, warmup_init_lr: real = -1.0, min_lr: least0 = 0.0, lr_deacy_period: "
                "steps = 25000, lr_decay: positive = 0.5)"
            ),
            (
                "A straight line from `min_lr`, then one more `lr_decay` every `lr_deacy_period` (as fairseq spells "
                "it), not below `min_lr`."
            ),
            "lr_deacy_period=2500",
        ),
    },
    "trainers": {
        "nanoGPT": (
            "(warmup_iters: steps0 = 2000, lr_decay_iters: steps = 600000, min_lr: least0 = 6e-5)",
            ("A straight line from 1 / (warmup_iters + 1), then half a cosine down to `min_lr` at `lr_decay_iters`."),
            "warmup_iters=1000, lr_decay_iters=10000, min_lr=0.01",
        ),
        "litgpt": (
            "(warmup_iters: steps0, max_iters: steps, min_lr: least0 = 0.0)",
            "A straight line from 0, then half a cosine down to `min_lr` at `max_iters`.",
            "warmup_iters=1000, max_iters=10000",
        ),
        "OLMo": (
            (
                "(name: 'cosine_with_warmup' | 'linear_with_warmup' | 'inverse_sqrt_with_warmup' | "
                "'constant_with_warmup' | 'constant' = 'cosine_with_warmup', t_warmup: steps0 = 100, t_max: steps = "
                "10000, alpha_f: real = 0.1, warmup_min_lr: least0 = None)"
            ),
            (
                "The schedules of OLMo's first trainer, a step ahead; the warmup begins with a tenth of the rate "
                "unless `warmup_min_lr` is given."
            ),
            "t_warmup=1000, t_max=10000",
        ),
        "Ultralytics": (
            (
                "(epochs: span, steps_per_epoch: span, lrf: real = 0.01, warmup_epochs: least0 = 3.0, cos_lr: flag = "
                "False)"
            ),
            "A line or half a cosine by epoch down to the share `lrf`, times a warmup by batch of at least 100.",
            "epochs=100, steps_per_epoch=100",
        ),
    },
}

ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "transformers": {
        "get_reduce_on_plateau_schedule": "it follows a metric: use glidepath.feedback.PyTorchPlateau, or glidepath replay on a log",
    },
    "optax": {
        "reduce_on_plateau": "it follows a metric: use glidepath.feedback, or glidepath replay on a log",
    },
    "timm": {
        "PlateauLRScheduler": "it follows a metric: use glidepath.feedback.PyTorchPlateau, or glidepath replay on a log",
    },
    "mmengine": {
        "ReduceOnPlateauLR": "it follows a metric: use glidepath.feedback.PyTorchPlateau, or glidepath replay on a log",
    },
    "keras": {
        "ReduceLROnPlateau": "it follows a metric: use glidepath.feedback.KerasPlateau, or glidepath replay on a log",
        "LearningRateScheduler": "it calls a function of your own: write that as an expression",
    },
    "pytorch": {
        "ReduceLROnPlateau": "it follows a metric: use glidepath.feedback.PyTorchPlateau, or glidepath replay on a log",
        "CosineAnnealingWarmUpRestarts": (
            "it is no class of PyTorch's: sgdr(T_0, growth=T_mult, decay=gamma, warmup=T_up) climbs and falls as "
            "it means to"
        ),
    },
    "oneflow": {
        "ReduceLROnPlateau": "it follows a metric: use glidepath.feedback.OneFlowPlateau, or glidepath replay on a log",
    },
    "paddle": {
        "ReduceOnPlateau": "it follows a metric: use glidepath.feedback.PaddlePlateau, or glidepath replay on a log",
    },
}
"""What is answered for a name that is no scheduler of the step, by library."""

PLATEAUS: Mapping[str, tuple[str, str]] = {
    "pytorch": (
        (
            "ReduceLROnPlateau(mode: 'min' | 'max' = 'min', factor: positive = 0.1, patience: steps0 = 10, threshold: least0 = 1e-4, "
            "threshold_mode: 'rel' | 'abs' = 'rel', cooldown: steps0 = 0, min_lr: any = 0.0, eps: least0 = 1e-8)"
        ),
        "A cut after more than `patience` validations in a row without an improvement.",
    ),
    "keras": (
        (
            "ReduceLROnPlateau(_, /, monitor: unused = 'val_loss', factor: positive = 0.1, patience: steps0 = 10, verbose: unused = 0, "
            "mode: 'auto' | 'min' | 'max' = 'auto', min_delta: least0 = 1e-4, cooldown: steps0 = 0, min_lr: least0 = 0.0, "
            "epsilon: least0 = None)"
        ),
        "A cut at the validation `patience` in a row without an improvement, compared in single precision.",
    ),
    "oneflow": (
        (
            "ReduceLROnPlateau(mode: 'min' | 'max' = 'min', factor: positive = 0.1, patience: steps0 = 10, threshold: least0 = 1e-4, "
            "threshold_mode: 'rel' | 'abs' = 'rel', cooldown: steps0 = 0, min_lr: any = 0.0, eps: least0 = 1e-8)"
        ),
        "PyTorch's.",
    ),
    "paddle": (
        (
            "ReduceOnPlateau(mode: 'min' | 'max' = 'min', factor: positive = 0.1, patience: steps0 = 10, threshold: least0 = 1e-4, "
            "threshold_mode: 'rel' | 'abs' = 'rel', cooldown: steps0 = 0, min_lr: least0 = 0.0, epsilon: least0 = 1e-8)"
        ),
        "A cut after more than `patience` validations without an improvement; what comes in the cooldown is not looked at.",
    ),
}
