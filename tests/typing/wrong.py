"""What must be found: a checker of types complains about each line that says so, and about no other."""

import glidepath as gp
from glidepath.feedback import Plateau


def wrong() -> None:
    # Never called.
    gp.Ramp("no", steps="x", nonsense=3)  # wrong
    gp.Ramp(0, 1)  # wrong
    gp.Ramp(0, 1, 10, curve=3)  # wrong
    gp.MultiStep(30)  # wrong
    gp.MultiStep(["a"])  # wrong
    gp.Table([0], [1], "cubic")  # wrong
    gp.Chain(gp.Hold(5))  # wrong
    gp.Clip(0.5, low=0.1)  # wrong
    gp.Step(period=3, factr=0.1)  # wrong
    gp.Hold(5).steps = 6  # wrong
    gp.Hold(5).lenght  # wrong  # noqa: B018
    gp.Repeat(gp.Hold(5), cycles="3")  # wrong
    gp.warmup_cosine("long")  # wrong
    gp.warmup_cosine(100, flor=0.1)  # wrong
    gp.cosine(10, floor="low")  # wrong
    gp.wsd(1000, curve=2)  # wrong
    Plateau(factor="half")  # wrong
    Plateau(mode="most")  # wrong
    gp.Hold(5) >> 3  # wrong
