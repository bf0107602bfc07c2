"""What users write: a checker of types finds nothing wrong here."""

from typing import assert_type

import glidepath as gp
from glidepath import curves
from glidepath.feedback import Guard, Plateau
from glidepath.plan import Plan

# Lists, tuples, whole numbers for floats, names of curves, texts and JSON data are taken as at run time.
gp.Ramp(0, 1, 100)
gp.Ramp(0.1, 1.0, steps=100, curve="polynomial(2)")
gp.Ramp(1, 0, 100, curves.Cosine())
gp.MultiStep([30, 60], 0.1)
gp.MultiStep((30, 60), factor=0.5, start=2)
gp.Table([0, 10], [1.0, 0.5], "previous")
gp.Profile([0, 2.5], [1, 0], curve="cosine")
gp.Chain([gp.warmup(10), "cosine(90)"])
gp.Clip("exponential(0.5)", low=0.1)
gp.Repeat({"kind": "hold", "steps": 5}, cycles=3, growth=2)
gp.Hold(value=0.5)
gp.Step(30, start=0.1)
gp.warmup_cosine(10_000, warmup=500, floor=0.1)
gp.wsd(1000, warmup=50, curve="one_minus_sqrt")
Plateau(factor=0.5, patience=2, mode="max", floors={"head": 0.1})
Guard(factor=0.5)
Plan.of({"horizon": {"length": "100 updates"}, "rules": {"schedule": "cosine(100)"}})

# Fields are what they are kept as.
assert_type(gp.MultiStep([30]).milestones, tuple[int, ...])
assert_type(gp.Ramp(0, 1, 5, "cosine").curve, curves.Curve)
assert_type(gp.Chain([gp.Hold(5)]).phases, tuple[gp.Schedule, ...])
assert_type(gp.Clip(gp.Hold(5), high=1).schedule, gp.Schedule)
assert_type(gp.Step(5).factor, float)
assert_type(gp.cosine(10)(3), float)
assert_type(gp.parse("cosine(10)") >> gp.linear(5), gp.Schedule)
assert_type(gp.Step(5).replace(factor=0.2), gp.Step)
