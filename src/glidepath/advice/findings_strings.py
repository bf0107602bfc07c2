"""What advice can say of a log: for each finding what is seen, what to do, where the rate should go, and what would tell it from another.

What stands before a colon in a key is the finding's name, which is the same for every log.
"""

from __future__ import annotations

_FIND = "glidepath find TASK sweeps the rate on your own task"
_TENTH = "Divide the rate by 10 and try again."
_HIGH = f"{_FIND}; data that teach nothing look alike"

FINDINGS: dict[str, tuple[str, str, int, str]] = {
    # On rates.
    "stepped {times} per update": (
        "The rates are the plan's at {k} times the step: the schedule advanced {times} with every update.",
        "Let the schedule be driven by the optimizer's updates alone (attach); until then, stretch it.",
        0,
        "",
    ),
    "stepped per epoch": (
        "The rates are the plan's at one step every {n} updates: the schedule advanced with the epochs, not with the updates.",
        "Step it after every update; or give its lengths in epochs of {n} updates.",
        0,
        "",
    ),
    "another base rate": (
        "The rates are {ratio:.4g} times those planned, all along.",
        "Check the base rate, and who else multiplies it.",
        0,
        "",
    ),
    "another schedule": (
        "The rates are not those planned{found}.",
        "Compare the plan with what the run was given.",
        0,
        "",
    ),
    "constant after resume": (
        "From step {step} on the rate stays at {rate:.4g}; it should have gone on to {planned:.4g}.",
        "The schedule was not driven any more: attach it again and load its state, or go on from step {step}.",
        0,
        "",
    ),
    "constant after resume: without a plan": (
        "The rate changes with every entry up to step {step} and then stays at {rate:.4g} to the end.",
        "The schedule was not driven any more after step {step}: attach it again and load its state.",
        0,
        "",
    ),
    "resumed with a jump: again": (
        "At step {step} the schedule {words}: from {before:.4g} to {rate:.4g}.",
        "Save and load the schedule's progress with the checkpoint, or go on from step {step}.",
        0,
        "",
    ),
    "resumed with a jump": (
        "From step {step} on the rate is not the planned one: {rate:.4g}, planned {planned:.4g}.",
        "See what happened at step {step}; to go on as planned from there:",
        0,
        "",
    ),
    "leaves the plan": (
        "From step {step} on the rate is not the planned one: {rate:.4g}, planned {planned:.4g}.",
        "See what happened at step {step}; to go on as planned from there:",
        0,
        "",
    ),
    "resumed with a jump: without a plan": (
        "At step {step} the rate jumps from {before:.4g} to {rate:.4g}, and no known schedule does that.{near}",
        "Save and load the schedule's progress with the checkpoint; compare with the plan.",
        0,
        "",
    ),
    "never reached the floor": (
        "The run ended at step {step} of the schedule's {duration}: its factor was {reached:.3g}, not yet {final:.3g}.",
        "Give the schedule the run's length.",
        0,
        "",
    ),
    "never reached its peak": (
        "The rate was still rising when the run ended: {first:.4g} at first, {rate:.4g} at step {step}.",
        "The warmup is longer than the run, or the schedule advanced once an epoch.",
        0,
        "",
    ),
    "goes up again": (
        "The rate came down to {low:.3g} by step {step} and went up again, to {rate:.4g} at step {last}: a cosine past its length.",
        "The schedule is shorter than the run, or advanced more than once with an update: stretch it.",
        0,
        "",
    ),
    "at its floor early": (
        "From step {step} on, {part:.0%} of the run, the rate was at most {most:.3g}{share}: nothing more was learned.",
        "The schedule is shorter than the run, or advanced more than once with an update: stretch it.",
        0,
        "",
    ),
    # On losses.
    "not finite": (
        "The loss is not finite at step {step}{again}",
        "Divide the rate by 10 and try again; with a warmup if it fails within the first steps.",
        -1,
        "if a tenth of the rate fails at the same step, it is the data or the precision, not the rate",
    ),
    "not finite: for a while": (
        "The loss is not finite at step {step}{again} It is finite again afterwards.",
        "Look at the data of that step and at the precision; if it comes again, divide the rate by 10.",
        0,
        "if a tenth of the rate fails at the same step, it is the data or the precision, not the rate",
    ),
    "diverges": (
        "The loss rises from about step {step} and does not come back: it ends at {end:.4g}, having started at {start:.4g}.",
        "Divide the rate by 10 and try again, or let it fall before step {step}.",
        -1,
        "branch the run before step {step} with a decay: if that goes well, only the late rate was too high",
    ),
    "diverges: early": (
        "The loss rises from about step {step} and does not come back: it ends at {end:.4g}, having started at {start:.4g}.",
        _TENTH,
        -1,
        "",
    ),
    "rate too high: swings": (
        "After swings up to {top:.4g} early on the loss ends at {end:.4g}, where it began: {begun:.4g}.",
        _TENTH,
        -1,
        _HIGH,
    ),
    "rate too high: shoots": (
        "The loss shoots from {begun:.4g} up to {top:.4g} and comes down to {end:.4g} only.",
        _TENTH,
        -1,
        _HIGH,
    ),
    "rate too high: no lower": (
        "The loss swings between {low:.4g} and {top:.4g} early on, and never comes below: it ends at {end:.4g}.",
        _TENTH,
        -1,
        _HIGH,
    ),
    "rate too high: stands": (
        "All that was won was won by step {step}, and only {fall:.0%} of the loss; since then it stands, at a high rate.",
        _TENTH,
        -1,
        _HIGH,
    ),
    "fine-tuning too fast": (
        "The first loss, {first:.4g}, was nearly as good as the last, {end:.4g}; in between it went up to {top:.4g}.",
        "The model was trained already: start near 1e-4, or a tenth of this rate, with a short warmup.",
        -1,
        "a branch at a tenth of the rate stays below the first loss if this is so",
    ),
    "unstable start": (
        "The loss goes from {first:.4g} up to {top:.4g} at step {step} before it falls.",
        "Begin with a warmup.",
        0,
        "if the peak comes at the same rate whatever the warmup, the rate is too high: try half of it",
    ),
    "unstable start: warmed up": (
        "The loss goes from {first:.4g} up to {top:.4g} at step {step} before it falls.",
        "Make the warmup longer: it has {own} steps, the peak of the loss is at step {step}.",
        0,
        "if the peak comes at the same rate whatever the warmup, the rate is too high: try half of it",
    ),
    "does not fall": (
        "The loss does not fall: {first:.4g} in the first tenth, {last:.4g} in the last.",
        "Too low a rate and too high a one look alike here: sweep it.",
        0,
        f"{_FIND}; a tenth and ten times the rate, 200 updates each, tell as well",
    ),
    "falls slowly": (
        "The loss falls by only {share:.0%}, and at the end as steadily as at the beginning.",
        "Raise the rate 5 to 10 times.",
        1,
        f"{_FIND}; a branch of 200 updates at 5 times the rate falls faster if this is so",
    ),
    "falls slowly: in part": (
        "The loss falls by only {share:.0%}, and at the end as steadily as at the beginning.",
        "Raise the rate 5 to 10 times.",
        1,
        f"{_FIND}; a branch of 200 updates at 5 times the rate falls faster if this is so",
    ),
    "falls slowly: begins late": (
        "Only {tenth:.0%} of the fall was won in the first tenth of the rate that was spent: at a good rate it is a third or more.",
        "Raise the rate 5 to 10 times.",
        1,
        f"{_FIND}; a branch of 200 updates at 5 times the rate falls faster if this is so",
    ),
    "plateau without gradients": (
        "The loss stays at {end:.4g} while the gradient norm has fallen from {early:.3g} to {late:.3g}: a saddle, not a minimum.",
        "Raise the rate 5 times for a while from step {step} on.",
        0,
        "a branch with the raised rate leaves a saddle, and comes back to the same loss from a minimum",
    ),
    "oscillates late": (
        "Around its trend the loss swings by {late:.1%} in the last third, by {early:.1%} before.",
        "Lower the rate late in the run: let it decay.",
        0,
        "a branch with a decay grows calm if the rate is the reason; larger batches do if it is their noise",
    ),
    "oscillates late: up and down": (
        "Around its trend the loss swings by {late:.1%} in the last third, up and down with every entry.",
        "Lower the rate late in the run: let it decay.",
        0,
        "a branch with a decay grows calm if the rate is the reason; larger batches do if it is their noise",
    ),
    "stalls": (
        "The loss has not fallen since about step {step}, and the rate is still high.",
        "Let the rate decay from there on, as near a minimum.",
        0,
        "gradient norms tell: near a minimum they stay, on a saddle they are gone, and a branch with a raised rate helps instead",
    ),
}
