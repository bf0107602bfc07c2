"""Configuration files of training tools: made up here, their rates from formulas of a few lines that are not the project's."""

import json
from math import ceil, cos, floor, pi, sqrt

import pytest

from glidepath import GlidepathError
from glidepath.dialects.configs import read_config


def line(k, warmup, total):
    return k / max(1, warmup) if k < warmup else max(0.0, (total - k) / max(1, total - warmup))


def half_cosine(k, warmup, total, floor=0.0, cycles=0.5):
    if k < warmup:
        return k / max(1, warmup)
    u = (k - warmup) / max(1, total - warmup)
    return floor + (1 - floor) * max(0.0, 0.5 * (1 + cos(pi * cycles * 2 * u)))


def mmcv_linear(k, warmup, ratio):
    return 1 - (1 - k / warmup) * (1 - ratio) if k < warmup else 1.0


def drops(k, marks, gamma=0.1):
    return gamma ** sum(k >= mark for mark in marks)


def yolo(k, nb, epochs, lr0, lrf, warm, cosine=False):
    e = floor(k / nb)
    lf = (1 - cos(e * pi / epochs)) / 2 * (lrf - 1) + 1 if cosine else max(1 - e / epochs, 0) * (1 - lrf) + lrf
    nw = max(round(warm * nb), 100) if warm else 0
    return lr0 * lf * (min(1, k / nw) if nw else 1)


def ppdet(k, n, base, warmup, start, marks, gamma=0.1):
    if k < warmup:
        return base * (start * (1 - k / warmup) + k / warmup)
    return base * drops(k, [n * m for m in marks], gamma)


def fairseq_sqrt(k, lr, warmup, start=0.0):
    return start + k * (lr - start) / warmup if k < warmup else lr * sqrt(warmup) * k**-0.5


def olmo(k, lr, warmup, total, alpha):
    k = k + 1
    if k < warmup:
        return 0.1 * lr + 0.9 * lr * k / warmup
    if k >= total:
        return lr * alpha
    return lr * alpha + lr * (1 - alpha) * (1 + cos(pi * (k - warmup) / (total - warmup))) / 2


def titan(k, warmup, total, decay, least, shape):
    if k < warmup:
        return (k + 1) / warmup
    late = (k + 1 - (total + 1 - decay)) / decay
    return 1.0 if late <= 0 else least + (1 - least) * (1 - shape(late))


STEPS = (0, 1, 7, 49, 50, 51, 99, 100, 101, 250, 399, 400, 777, 1199)
N = {"steps_per_epoch": 100}

FILES = [
    # name of the file, its text, names given, form, rate of update k
    ("a.yaml", "learning_rate: 3.0e-4\nlr_scheduler_type: linear\nwarmup_steps: 50\nmax_steps: 1200\n", {}, "Hugging Face",
     lambda k: 3e-4 * line(k, 50, 1200)),
    ("b.json", '{"learning_rate": 2e-05, "lr_scheduler_type": "cosine", "warmup_ratio": 0.03, "max_steps": 990}', {},
     "Hugging Face", lambda k: 2e-5 * half_cosine(k, ceil(29.7), 990)),
    ("c.yaml", "learning_rate: 3e-4\nnum_train_epochs: 4\nlr_scheduler_type: cosine\nwarmup_ratio: 0.1\n",
     {"steps_per_epoch": 250}, "Hugging Face", lambda k: 3e-4 * half_cosine(k, 100, 1000)),
    ("d.yaml", "num_train_epochs: 3\nper_device_train_batch_size: 8\nlearning_rate: 1.0e-5\n", {"total": 900}, "Hugging Face",
     lambda k: 1e-5 * line(k, 0, 900)),
    ("e.yaml", ("{learning_rate: 5.0e-5, lr_scheduler_type: cosine_with_min_lr, lr_scheduler_kwargs: {min_lr_rate: 0.1},"
     " warmup_steps: 100, max_steps: 1000}"), {}, "Hugging Face", lambda k: 5e-5 * half_cosine(min(k, 1000), 100, 1000, 0.1)
     if k <= 1000 else None),
    ("f.yaml", "{learning_rate: 5.0e-5, lr_scheduler_type: constant_with_warmup, warmup_steps: 250, max_steps: 1000}", {},
     "Hugging Face", lambda k: 5e-5 * min(1, k / 250)),
    ("g.yaml", ("stage: sft\nfinetuning_type: lora\nlearning_rate: 1.0e-4\nnum_train_epochs: 3.0\nlr_scheduler_type: cosine\n"
     "warmup_ratio: 0.1\n"), {"total": 1000}, "LLaMA-Factory", lambda k: 1e-4 * half_cosine(k, 100, 1000)),
    ("h.yml", "base_model: x/y\nmicro_batch_size: 2\nnum_epochs: 4\nlr_scheduler: cosine\nlearning_rate: 0.0002\nwarmup_steps: 10\n",
     {"steps_per_epoch": 300}, "axolotl", lambda k: 2e-4 * half_cosine(k, 10, 1200)),
    ("i.yml", "base_model: x/y\nmicro_batch_size: 2\nnum_epochs: 1\nlearning_rate: 0.0002\n", {"total": 1200}, "axolotl",
     lambda k: 2e-4 * half_cosine(k, 36, 1200)),
    ("j.yml", "base_model: x/y\nnum_epochs: 1\nlr_scheduler: linear\nwarmup_ratio: 0.1\nlearning_rate: 1e-5\n", {"total": 1000},
     "axolotl", lambda k: 1e-5 * line(k, 100, 1000)),
    ("k.yaml", ("optimizer: {_component_: torch.optim.AdamW, lr: 2e-5}\nepochs: 3\nmax_steps_per_epoch: 400\nlr_scheduler: "
     "{_component_: torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup, num_warmup_steps: 100}"), {}, "torchtune",
     lambda k: 2e-5 * half_cosine(k, 100, 1200)),
    ("l.yaml", "optimizer: {_component_: torch.optim.AdamW, lr: 2e-5}\nepochs: 1\n", {}, "torchtune", lambda k: 2e-5),
    ("m.py", "learning_rate = 1e-3\nmax_iters = 1200\nlr_decay_iters = 1200\nmin_lr = learning_rate / 10\nwarmup_iters = 100\n", {},
     "nanoGPT", lambda k: 1e-3 * (k + 1) / 101 if k < 100 else 1e-3 * half_cosine(k, 100, 1200, 0.1)),
    ("n.py", "learning_rate = 1e-3\nmax_iters = 1200\ndecay_lr = False\n", {}, "nanoGPT", lambda k: 1e-3),
    ("o.yaml", ("train: {lr_warmup_steps: 100, epochs: 4, max_steps: null, min_lr: 6.0e-05}\noptimizer: {class_path: torch.optim.AdamW,"
     " init_args: {lr: 0.0002}}"), {"steps_per_epoch": 300}, "litgpt", lambda k: 2e-4 * half_cosine(k, 100, 1200, 0.3)),
    ("p.yaml", "learning_rate: 6.0e-4\nwarmup_iters: 100\nmax_iters: 1200\nlr_decay_iters: 1000\nmin_lr: 6.0e-5\n", {}, "litgpt",
     lambda k: 6e-4 * half_cosine(min(k, 1000), 100, 1000, 0.1)),
    ("q.yaml", "lr_scheduler: {_name: polynomial_decay, warmup_updates: 100}\noptimization: {lr: [0.0005], max_update: 1100}", {},
     "fairseq", lambda k: 5e-4 * line(k, 100, 1100)),
    ("r.yaml", "lr_scheduler: {_name: inverse_sqrt, warmup_updates: 400, warmup_init_lr: 1e-07}\noptimization: {lr: [0.0007]}", {},
     "fairseq", lambda k: fairseq_sqrt(k, 7e-4, 400, 1e-7)),
    ("s.yaml", ("lr_scheduler: {_name: cosine, warmup_updates: 100, lr_period_updates: 550}\noptimization: {lr: [0.001],"
     " max_update: 1200}"), {}, "fairseq", lambda k: 1e-3 * k / 100 if k < 100 else
     1e-3 * 0.1 ** ((k - 100) // 550) * 0.5 * (1 + cos(pi * ((k - 100) % 550) / 550))),
    ("t.py", ("optimizer = dict(type='SGD', lr=0.02)\nlr_config = dict(policy='step', warmup='linear', warmup_iters=400,"
     " warmup_ratio=0.001, step=[8, 11])\nrunner = dict(type='EpochBasedRunner', max_epochs=12)\n"), N, "MMCV",
     lambda k: 0.02 * drops(k // 100, (8, 11)) * mmcv_linear(k, 400, 0.001)),
    ("u.py", ("optimizer = dict(lr=0.01)\nlr_config = dict(policy='poly', power=0.9, min_lr=1e-4, by_epoch=False)\n"
     "runner = dict(type='IterBasedRunner', max_iters=1200)\n"), {}, "MMCV",
     lambda k: (0.01 - 1e-4) * (1 - k / 1200) ** 0.9 + 1e-4),
    ("v.py", ("E = 12\noptimizer = dict(lr=1e-3 * 2)\nlr_config = dict(policy='CosineAnnealing', min_lr=0, warmup='exp',"
     " warmup_iters=100, warmup_ratio=0.1)\nrunner = dict(type='EpochBasedRunner', max_epochs=E)\n"), N, "MMCV",
     lambda k: 2e-3 * 0.5 * (1 + cos(pi * (k // 100) / 12)) * (0.1 ** (1 - k / 100) if k < 100 else 1)),
    ("w.py", ("optimizer = dict(lr=0.1)\nlr_config = dict(policy='step', gamma=0.5, step=3, warmup='constant', warmup_iters=50)\n"
     "total_epochs = 12\n"), N, "MMCV", lambda k: 0.1 * 0.5 ** (k // 100 // 3) * (0.1 if k < 50 else 1)),
    ("x.py", ("optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.02))\nparam_scheduler = [dict(type='LinearLR', start_factor=0.001,"
     " by_epoch=False, begin=0, end=400), dict(type='MultiStepLR', begin=0, end=12, by_epoch=True, milestones=[8, 11], gamma=0.1)]\n"
     "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n"), N, "MMEngine",
     lambda k: 0.02 * drops(k // 100, (8, 11)) * (0.001 + 0.999 * min(1, k / 399))),
    ("y.py", ("optim_wrapper = dict(optimizer=dict(lr=4e-3))\nparam_scheduler = [dict(type='LinearLR', start_factor=1e-3, by_epoch=True,"
     " end=2, convert_to_iter_based=True), dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=2)]\n"
     "train_cfg = dict(by_epoch=True, max_epochs=12)\n"), N, "MMEngine",
     lambda k: 4e-3 * (0.001 + 0.999 * k / 199) if k < 200 else
     1e-5 + (4e-3 - 1e-5) * 0.5 * (1 + cos(pi * (k // 100 - 2) / 10))),
    ("z.py", ("optim_wrapper = dict(optimizer=dict(lr=0.01))\nparam_scheduler = dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0,"
     " end=1200, by_epoch=False)\ntrain_cfg = dict(type='IterBasedTrainLoop', max_iters=1200)\n"), {}, "MMEngine",
     lambda k: (0.01 - 1e-4) * (1 - k / 1199) ** 0.9 + 1e-4),
    ("aa.py", "optim_wrapper = dict(optimizer=dict(lr=0.001))\ntrain_cfg = dict(max_epochs=12)\n", N, "MMEngine", lambda k: 0.001),
    ("ab.yml", ("epoch: 12\nLearningRate:\n  base_lr: 0.02\n  schedulers:\n  - !PiecewiseDecay\n    gamma: 0.1\n    milestones: [8, 11]\n"
     "  - !LinearWarmup\n    start_factor: 0.1\n    steps: 400\n"), N, "PaddleDetection",
     lambda k: ppdet(k, 100, 0.02, 400, 0.1, (8, 11))),
    ("ac.yml", ("epoch: 12\nLearningRate:\n  base_lr: 0.02\n  schedulers:\n  - name: CosineDecay\n    max_epochs: 12\n"
     "  - name: LinearWarmup\n    start_factor: 0.0\n    steps: 100\n"), N, "PaddleDetection",
     lambda k: 0.02 * half_cosine(k, 100, 1200)),
    ("ad.yml", ("epoch: 12\nLearningRate:\n  base_lr: 0.02\n  schedulers:\n  - !PiecewiseDecay\n    gamma: [0.5, 0.2]\n"
     "    milestones: [4, 8]\n"), N, "PaddleDetection", lambda k: 0.02 * (1, 0.5, 0.2)[(k >= 400) + (k >= 800)]),
    ("ae.yaml", ("Global: {epochs: 12}\nOptimizer: {lr: {name: Piecewise, learning_rate: 0.1, decay_epochs: [3, 6, 9],"
     " values: [0.1, 0.01, 0.001, 0.0001]}}"), N, "PaddleClas", lambda k: 0.1 * drops(k // 100, (3, 6, 9))),
    ("af.yaml", "Global: {epochs: 12}\nOptimizer: {lr: {name: Cosine, learning_rate: 0.8, warmup_epoch: 2}}", N, "PaddleClas",
     lambda k: 0.8 * half_cosine(k, 200, 1200)),
    ("ag.yaml", "Global: {epochs: 12}\nOptimizer: {lr: {name: Step, learning_rate: 0.5, step_size: 3, gamma: 0.3}}", N, "PaddleClas",
     lambda k: 0.5 * 0.3 ** (k // 300)),
    ("ah.yaml", "epochs: 12\nlr0: 0.01\nlrf: 0.01\nwarmup_epochs: 3.0\nwarmup_bias_lr: 0.1\ncos_lr: false\n", N, "Ultralytics",
     lambda k: yolo(k, 100, 12, 0.01, 0.01, 3)),
    ("ai.yaml", "epochs: 12\nlr0: 0.02\nlrf: 0.1\nwarmup_epochs: 0.0\ncos_lr: true\n", N, "Ultralytics",
     lambda k: yolo(k, 100, 12, 0.02, 0.1, 0, cosine=True)),
    ("aj.yaml", "epochs: 12\nlr0: 0.01\nlrf: 0.01\nwarmup_epochs: 3\noptimizer: auto\n", {**N, "lr0": 0.002}, "Ultralytics",
     lambda k: yolo(k, 100, 12, 0.002, 0.01, 3)),
    ("ak.json", json.dumps({"optimizer": {"class_name": "Adam", "config": {"learning_rate": {"class_name": "ExponentialDecay",
     "config": {"initial_learning_rate": 0.01, "decay_steps": 100, "decay_rate": 0.9, "staircase": True, "name": None}}}}}), {},
     "Keras", lambda k: 0.01 * 0.9 ** (k // 100)),
    ("al.json", json.dumps({"config": {"optimizer_config": {"config": {"learning_rate": {"module": "keras.optimizers.schedules",
     "class_name": "CosineDecay", "registered_name": None, "config": {"initial_learning_rate": 0.01, "decay_steps": 1000,
     "alpha": 0.0, "name": "CosineDecay", "warmup_target": None, "warmup_steps": 0}}}}}}), {}, "Keras",
     lambda k: 0.01 * half_cosine(min(k, 1000), 0, 1000)),
    ("am.yaml", ("optimizer: {name: adamw, learning_rate: 3.0e-4}\nscheduler: {name: cosine_with_warmup, t_warmup: 100, alpha_f: 0.1}\n"
     "max_duration: 1200\n"), {}, "OLMo", lambda k: olmo(k, 3e-4, 100, 1200, 0.1)),
    ("an.yaml", "SOLVER:\n  BASE_LR: 0.02\n  STEPS: (600, 1000)\n  MAX_ITER: 1200\n  WARMUP_ITERS: 400\n", {}, "detectron2",
     lambda k: 0.02 * drops(k, (600, 1000)) * (0.001 + 0.999 * min(1, k / 400))),
    ("ao.yaml", "SOLVER: {BASE_LR: 1e-3, MAX_ITER: 1200, LR_SCHEDULER_NAME: WarmupCosineLR, WARMUP_ITERS: 100, WARMUP_FACTOR: 0.1}", {},
     "detectron2", lambda k: 1e-3 * 0.5 * (1 + cos(pi * k / 1200)) * (0.1 + 0.9 * min(1, k / 100))),
    ("ap.json", json.dumps({"train_batch_size": 8, "optimizer": {"type": "AdamW", "params": {"lr": "auto"}}, "scheduler": {"type":
     "WarmupDecayLR", "params": {"warmup_min_lr": 0, "warmup_max_lr": "auto", "warmup_num_steps": 100, "warmup_type": "linear",
     "total_num_steps": "auto"}}}), {"warmup_max_lr": 3e-5, "total_num_steps": 1200, "lr": 3e-5}, "DeepSpeed", lambda k:
     3e-5 * line(max(k - 1, 0), 100, 1200)),
    ("aq.sh", ("#!/bin/bash\nLR=3e-4\nITERS=1200\ntorchrun pretrain_gpt.py --lr ${LR} --train-iters $ITERS --lr-decay-style cosine \\\n"
     "  --lr-warmup-iters 100 --min-lr 3e-5 --global-batch-size 64\n"), {}, "Megatron-LM",
     lambda k: 3e-4 * k / 100 if k <= 100 else 3e-5 + 2.7e-4 * 0.5 * (1 + cos(pi * (k - 100) / 1100))),
    ("ar.sh", ("ARGS=(\n  --lr 1e-3\n  --train-samples 76800\n  --lr-decay-samples 64000\n  --lr-warmup-samples 6400\n  --lr-decay-style linear"
     "\n  --global-batch-size 64\n)\n"), {}, "Megatron-LM", lambda k: 1e-3 * (k / 100 if k <= 100 else max(0, 1 - (k - 100) / 900))),
    ("as.yaml", ("scheduler: {name: cosine_with_warmup, t_warmup: 100ba, alpha_f: 0.1}\noptimizer: {name: decoupled_adamw, lr: 6.0e-4}\n"
     "max_duration: 1200ba\n"), {}, "Composer", lambda k: 6e-4 * half_cosine(k, 100, 1200, 0.1)),
    ("at.yaml", "scheduler: {name: linear_decay_with_warmup, t_warmup: 0.1dur, alpha_f: 0.02}\noptimizer: {lr: 2.0e-4}\nmax_duration: 12ep\n",
     N, "Composer", lambda k: 2e-4 * (k / 120 if k < 120 else 1 - 0.98 * (k - 120) / 1080)),
    ("au.yaml", "sched: cosine\nepochs: 12\nlr: 0.001\nwarmup_epochs: 2\nwarmup_lr: 1.0e-06\nmin_lr: 1.0e-05\nwarmup_prefix: false\n", N,
     "timm", lambda k: 1e-6 + (k // 100) * (1e-3 - 1e-6) / 2 if k < 200 else
     1e-5 + (1e-3 - 1e-5) * 0.5 * (1 + cos(pi * (k // 100) / 12))),
    ("av.yaml", "sched: step\nepochs: 12\nlr: 0.1\ndecay_epochs: 3\ndecay_rate: 0.5\nwarmup_epochs: 0\nsched_on_updates: true\n", N, "timm",
     lambda k: 0.1 * 0.5 ** (k // 300)),
    ("aw.toml", ("[optimizer]\nname = 'AdamW'\nlr = 3e-4\n[lr_scheduler]\nwarmup_steps = 200\ndecay_ratio = 0.5\ndecay_type = 'sqrt'\n"
     "min_lr_factor = 0.1\n[training]\nsteps = 1200\n"), {}, "torchtitan", lambda k: 3e-4 * titan(k, 200, 1200, 600, 0.1, sqrt)),
    ("ax.toml", "[optimizer]\nlr = 1e-3\n[training]\nsteps = 1200\nwarmup_steps = 100\n", {}, "torchtitan",
     lambda k: 1e-3 * titan(k, 100, 1200, 1100, 0.0, float)),
    ("ay.sh", ("LR=3e-4\ntorchrun src/scripts/train/OLMo2-7B.py train run ai2/x --train_module.optim.lr=$LR \\\n '--train_module.scheduler="
     "{_CLASS_: olmo_core.optim.scheduler.WSD, units: steps, warmup: 24, decay_fraction: 0.1}' \\\n"
     " --trainer.max_duration='{value: 1200, unit: steps}'\n"), {}, "OLMo-core",
     lambda k: 3e-4 * min(1, (k + 1) / 24, (1200 - k - 1) / 120)),
    ("az.sh", ("python train.py launch run ai2/x --train_module.optim.lr=1e-3 --train_module.scheduler.warmup_steps=100 \\\n"
     "  --train_module.scheduler.alpha_f=0.125 --trainer.max_duration.value=1200 --trainer.max_duration.unit=steps\n"), {}, "OLMo-core",
     lambda k: 1e-3 * half_cosine(k + 1, 100, 1200, 0.125)),
    ("ba.sh", ("python train.py train run ai2/x --train_module.optim.lr=1e-3 --data_loader.global_batch_size=4096 '--train_module.scheduler="
     "{_CLASS_: olmo_core.optim.scheduler.LinearWithWarmup, units: tokens, warmup: 409600, alpha_f: 0.0}' \\\n"
     "  --trainer.max_duration.value=4915200 --trainer.max_duration.unit=tokens\n"), {}, "OLMo-core",
     lambda k: 1e-3 * line(k + 1, 100, 1200)),
    ("bb.yaml", ("lr_scheduler: {_name: tri_stage, phase_ratio: [0.1, 0.4, 0.5], final_lr_scale: 0.05}\noptimization: {lr: [0.0003],"
     " max_update: 1200}"), {}, "fairseq", lambda k: 3e-4 * ((0.01 + 0.99 * k / 120) if k < 120 else 1 if k < 600 else
     0.05 ** ((k - 600) / 600))),
    ("bc.yaml", "lr_scheduler: {_name: fixed, warmup_updates: 50}\noptimization: {lr: [0.0003], max_update: 1200}", {}, "fairseq",
     lambda k: 3e-4 * min(1, (k + 1) / 50)),
    ("bd.sh", ("GBS=256\nSAMPLES=$((GBS * 1200))\nITERS=$(( SAMPLES / GBS ))\nARGS=\" \\\n --train-iters $ITERS \\\n"
     " --lr-warmup-iters $((${ITERS} / 12 )) --lr ${LR:-2e-4} --lr-decay-style=linear --min-lr 0 \\\n\"\npython pretrain_gpt.py $ARGS\n"), {},
     "Megatron-LM", lambda k: 2e-4 * line(k, 100, 1200)),
    ("be.yaml", ("common: &it\n  learning_rate: 2.0e-4\n  warmup_steps: 7\n<<: [*it, {lr_scheduler_type: linear, max_steps: 3}]\n"
     "max_steps: 1200\nwarmup_steps: 100\n"), {}, "Hugging Face", lambda k: 2e-4 * line(k, 100, 1200)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "names", "form", "rate"), FILES, ids=[file[0] for file in FILES])
def test_a_file_is_the_schedule_that_its_tool_trains_with(tmp_path, name, text, names, form, rate):
    (tmp_path / name).write_text(text)
    config = read_config(tmp_path / name, **names)

    assert config is not None
    assert config.form.startswith(form)
    assert config.schedule.absolute
    for step in STEPS:
        if step <= (config.total or step) and (expected := rate(step)) is not None:
            assert config.schedule(step) == pytest.approx(expected, rel=1e-11, abs=1e-18), step


def test_what_the_file_cannot_know_is_asked_for_by_name_all_at_once(tmp_path):
    file = tmp_path / "ds.py"
    file.write_text(
        "from x import BATCH\noptim_wrapper = dict(optimizer=dict(lr=1e-4 * BATCH / base))\nparam_scheduler = []\n"
        "train_cfg = dict(max_epochs=EPOCHS)\n"
    )
    with pytest.raises(GlidepathError) as error:
        read_config(file)
    told = str(error.value)
    for name in ("BATCH", "base", "EPOCHS", "steps_per_epoch"):
        assert f"ds.py: {name} must be given, got nothing" in told
        assert f"(--let {name}=…)" in told

    config = read_config(file, BATCH=16, base=8, EPOCHS=3, steps_per_epoch=10)
    assert (config.base, config.total, config.schedule(7)) == (2e-4, 30, 2e-4)


def test_a_name_that_nobody_asked_for_is_refused(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("learning_rate: 3.0e-4\nlr_scheduler_type: linear\nmax_steps: 1200\n")
    with pytest.raises(GlidepathError, match=r"a\.yaml: stepz must be a name that Hugging Face TrainingArguments has"):
        read_config(file, stepz=3)


def test_files_that_a_configuration_names_lie_below_it(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/schedule.py").write_text(
        "optimizer = dict(type='SGD', lr=0.02, momentum=0.9)\n"
        "lr_config = dict(policy='step', step=[8, 11], warmup='linear', warmup_iters=500, warmup_ratio=0.001)\n"
        "runner = dict(type='EpochBasedRunner', max_epochs=12)\n"
    )
    (tmp_path / "mine.py").write_text(
        "_base_ = ['./base/schedule.py']\noptimizer = dict(lr=0.04)\n"
        "lr_config = dict(_delete_=True, policy='step', step=[16, 22])\nrunner = dict(max_epochs=24)\n"
    )
    config = read_config(tmp_path / "mine.py", steps_per_epoch=10)
    assert (config.base, config.total) == (0.04, 240)
    assert [config.schedule(k) for k in (0, 159, 160, 220)] == pytest.approx([0.04, 0.04, 0.004, 0.0004])

    (tmp_path / "one.yaml").write_text("_BASE_: two.yaml\n")
    (tmp_path / "two.yaml").write_text("_BASE_: one.yaml\n")
    with pytest.raises(GlidepathError, match=r"_base_ must be a chain of at most 16 files, got 'a circle or more'"):
        read_config(tmp_path / "one.yaml")
    (tmp_path / "far.yaml").write_text("_BASE_: https://example.org/x.yaml\n")
    with pytest.raises(GlidepathError, match="_base_ must be a file beside this one"):
        read_config(tmp_path / "far.yaml")


def test_text_that_is_a_number_for_another_reader_is_told(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("learning_rate: '3e-4'\nlr_scheduler_type: constant\nmax_steps: 10\n")
    config = read_config(file)
    assert config.schedule(3) == 3e-4
    assert config.odd == ("learning_rate is the text '3e-4' here; taken as 0.0003",)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.yaml", "name: me\nvalue: 3\n"), ("b.json", '{"a": 1}'), ("c.py", "x = 3\n"), ("d.yaml", "warmup: 3\n")],
)
def test_another_file_is_of_no_form(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_config(tmp_path / name) is None


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "lr0: [\n", r"a\.yaml.*must be YAML"),
        ("b.json", '{"lr0": 1e999}', r"finite|JSON"),
        ("c.py", "lr0 = (\n", r"c\.py line 1: must be Python|Python"),
        ("d.py", "lr_config = dict(policy='step')\noptimizer = dict(lr=10**10**10)\nrunner = dict(max_epochs=1)\n", "is written"),
        ("e.yaml", "lr0: " + "[" * 5000 + "\n", "nested at most"),
        ("f.yaml", "lr0: x\nepochs: 3\n", r"f\.yaml: lr0 must be a number, got 'x'"),
        ("g.py", "lr0 = 1" + "+1" * 50_000 + "\nepochs = 3\n", r"Python|less deep"),
        ("h.yaml", "x" * 300_000, "at most 256000 characters"),
        ("i.py", "lr0 = __import__('os').system('true')\nepochs = 3\n", r"is written \"__import__\('os'\)\.system\('true'\)\""),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_by_name(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(GlidepathError, match=says):
        read_config(tmp_path / name, steps_per_epoch=10)


def test_an_alias_and_a_tag_of_another_tool_are_data(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "x: &rate 0.01\nlr0: *rate\nlrf: 1.0\nepochs: 3\nwarmup_epochs: 0\nnames: {0: person}\nother: !Tag {a: 1}\n"
    )
    assert read_config(file, steps_per_epoch=10).schedule(5) == 0.01


def _asked(capsys, *words):
    from typer.main import get_command

    from glidepath.cli import app

    code = 0
    try:
        get_command(app).main(list(words), standalone_mode=False)
    except GlidepathError as error:
        return str(error), "", 2
    except SystemExit as left:
        code = left.code or 0
    out = capsys.readouterr()
    return out.out, out.err, code


def test_the_command_line_takes_a_file_wherever_it_takes_a_schedule(tmp_path, capsys):
    file = tmp_path / "schedule.py"
    file.write_text(
        "optimizer = dict(lr=0.02)\nlr_config = dict(policy='step', step=[8, 11], warmup='linear', warmup_iters=500,"
        " warmup_ratio=0.001)\nrunner = dict(max_epochs=12)\n"
    )
    asked, _, _ = _asked(capsys, "value", str(file), "0", "900")
    assert asked == (
        "schedule.py: steps_per_epoch must be given, got nothing: updates of an epoch depend on the data"
        " (--let steps_per_epoch=…)"
    )
    out, err, _ = _asked(capsys, "value", str(file), "0", "900", "--let", "steps_per_epoch=100")
    assert out == "0\t2e-05\n900\t0.002\n"
    assert "MMCV" in err
    assert "runner.max_epochs = 12" in err

    text, _, _ = _asked(capsys, "convert", str(file), "--let", "steps_per_epoch=100")
    assert _asked(capsys, "value", text.strip(), "0", "900")[0] == out
    assert "0.02 |" in _asked(capsys, "show", str(file), "--let", "steps_per_epoch=100", "--ascii")[0]
    assert '"kind": "rate"' in _asked(capsys, "export", str(file), "--let", "steps_per_epoch=100")[0]
    assert "--let must be" in _asked(capsys, "value", str(file), "0", "--let", "steps_per_epoch")[0].replace(": ", " ")


def test_check_says_what_is_odd_in_a_file(tmp_path, capsys):
    file = tmp_path / "args.yaml"
    file.write_text("learning_rate: 1.0e-4\nlr_scheduler_type: linear\nwarmup_steps: 2000\nmax_steps: 900\n")
    out, _, code = _asked(capsys, "check", str(file))
    assert code == 0
    assert "Hugging Face TrainingArguments" in out
    assert "odd: the warmup of 2000 updates is as long as the run of 900, or longer" in out


def test_a_file_is_a_plan_with_a_rule_for_each_group(tmp_path, capsys):
    from glidepath.plan import Plan, plan_of

    file = tmp_path / "mine.py"
    file.write_text(
        "optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(bias_lr_mult=2., custom_keys={\n"
        "    'backbone': dict(lr_mult=0.1, decay_mult=0.), 'norm': dict(decay_mult=0.)}))\n"
        "param_scheduler = [dict(type='MultiStepLR', milestones=[8, 11])]\ntrain_cfg = dict(max_epochs=12)\n"
    )
    config = read_config(file, steps_per_epoch=100)
    assert config.groups == {"backbone": 0.1, "bias": 2.0}
    plan = Plan.of(config.document)
    assert (plan.derived.updates, plan.name) == (1200, "MMEngine")
    rates = {name: plan.schedule("lr", name) for name in ("head", "backbone", "bias")}
    assert {name: rate(850) for name, rate in rates.items()} == pytest.approx(
        {"head": 1e-5, "backbone": 1e-6, "bias": 2e-5}
    )

    out, err, _ = _asked(capsys, "convert", str(file), "--to", "plan", "--let", "steps_per_epoch=100")
    assert Plan.of(out) == plan
    assert "train_cfg.max_epochs = 12" in err
    out, _, code = _asked(capsys, "check", str(file), "--let", "steps_per_epoch=100")
    assert code == 0
    assert "updates: 1200" in out
    assert "backbone has 0.1 times this rate" in out
    assert (
        "a training tool's configuration file to become a plan"
        in _asked(capsys, "convert", "hold()", "--to", "plan")[0]
    )

    arguments = tmp_path / "args.yaml"
    arguments.write_text(
        "learning_rate: 1.0e-4\nlr_scheduler_type: linear\nmax_steps: 900\nper_device_train_batch_size: 8\n"
        "gradient_accumulation_steps: 4\n"
    )
    driven = plan_of(arguments)
    assert "samples of an update: 32 = batch 8 x accumulation 4" in str(driven.derived)
    assert driven.schedule("lr")(450) == 5e-5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_rate: 3e-4\nlr_scheduler_type: constant\nmax_steps: 9\n", ("learning_rate is written 3e-4", "write 3.0e-04")),
        ("learning_rate: 1.25e3\nlr_scheduler_type: constant\nmax_steps: 9\n", ("learning_rate is written 1.25e3", "1250.0")),
        ("learning_rate: 3.0e-4\nlr_scheduler_type: constant\nmax_steps: 9\n", ()),
        ("stage: sft\nfinetuning_type: lora\nlearning_rate: 3e-4\nlr_scheduler_type: constant\nmax_steps: 9\n", ()),
    ],
)  # fmt: skip
def test_a_number_that_its_own_tool_reads_as_text_is_told(tmp_path, text, says):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    odd = " ".join(read_config(file).odd)
    assert all(word in odd for word in says)
    assert bool(odd) == bool(says)


def test_compare_takes_a_file(tmp_path, capsys, monkeypatch):
    from glidepath.cli import training

    file = tmp_path / "args.yaml"
    file.write_text("learning_rate: 1.0e-4\nlr_scheduler_type: linear\nnum_train_epochs: 3\n")
    trained = []
    monkeypatch.setattr(training, "made_by", lambda act, out, trainer, tasks, texts, *_, **__: trained.extend(texts))
    monkeypatch.setattr("glidepath.lab.report.table.table", lambda _: "")
    _asked(capsys, "compare", str(file), "cosine", "--let", "steps_per_epoch=100")
    assert trained == ["rate(linear(300, peak=0.0001))", "cosine"]
    assert "steps_per_epoch must be given" in _asked(capsys, "compare", str(file))[0]


def test_a_name_of_a_python_file_says_nothing_of_another_s_attribute(tmp_path):
    file = tmp_path / "m.py"
    file.write_text(
        "lr = 0.3\noptimizer = dict(lr=args.lr)\nlr_config = dict(policy='step', step=[8])\nrunner = dict(max_epochs=2)\n"
    )
    with pytest.raises(
        GlidepathError, match=r"m\.py: lr must be given, got nothing: optimizer\.lr is written 'args\.lr'"
    ):
        read_config(file, steps_per_epoch=10)
    assert read_config(file, steps_per_epoch=10, lr=0.2).schedule(0) == 0.2
