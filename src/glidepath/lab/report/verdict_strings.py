"""What a comparison can say: sentences with places for the facts, by the key that `verdict` names."""

from __future__ import annotations

SAID: dict[str, str] = {
    # The headline
    "nothing": "{lost}: nothing can be compared to it.",
    "one seed": "One seed, {reached}{own}: no interval, no claim.",
    "own": ", {value} with {name} at best",
    "none better": "The data do not show that any of {others} ended better than {baseline}: {reached}{worse}.",
    "ended worse": "; {worse} ended worse",
    "better": "{name} reached {metric} {value} against {base} with {baseline}, a difference that holds.",
    "largest": "{name} reached {metric} {value} against {base} with {baseline}, the largest gain that holds; "
    "{better} of {others} ended better{worse}.",
    # Each schedule against the baseline
    "everywhere": "{name} diverged on every seed at {which} peak rate.",
    "baseline lost": "{name}, the baseline, diverged on {lost} of {seeds} seeds; its mean covers only the others.",
    "lost": "{name} diverged on {lost} of {seeds} seeds; its mean covers only the others, which are the lucky ones, so no difference is "
    "claimed.",
    "alone": "{baseline} lost seeds to divergence, so {name} cannot be compared to it seed by seed.",
    "no interval": "{name}: {metric} {amount} to {baseline} on the one seed run: no interval, no claim.",
    "shown": "{name} ended {good} than {baseline}: {measured}, {p}, {side} on {count} of {seeds} seeds.",
    "hint": "{name} against {baseline} is a hint, not a finding: {measured}, which leaves zero out; corrected for the number of "
    "comparisons, {p}.",
    "not shown": "The data do not show a difference between {name} and {baseline}: {measured}, which contains zero.",
    "shape": "The shape of {name} makes {own}, each at its own best rate ({rate:g}, {other:g}); at {other:g} for both it would have looked "
    "like {shared} ({interval}).",
    # The order of the best two, and what could be seen
    "unordered": "{first} and {second} have the best two means; one seed cannot order them.",
    "picked": "{first} and {second} have the best two means; their difference is {gap}, 95 % interval {interval}. That leaves zero out, but "
    "the pair was picked by looking at these very means: only new seeds could confirm the order.",
    "open": "{first} and {second} have the best two means; their difference is {gap}, 95 % interval {interval}. That contains zero: these "
    "data do not say which of the two is better.",
    "resolution": "With {seeds} seeds the intervals here reach about ±{half} {unit}: smaller differences cannot be seen, whether or not "
    "they exist.",
    # What speaks against the figures
    "edge": "Best peak rate at the edge of the grid: {edges}. A better one may lie outside, which would favour these schedules: run again "
    "with a wider grid.",
    "few seeds": "Too few seeds to show differences of the size seen; seeds that would show one nine times in ten: {few}.",
    # Under which conditions
    "own rates": "Each schedule got its own peak rate: of {tried} the one with the best mean metric on validation data. The figures are on "
    "test data, which that choice did not see.",
    "shared rate": "All schedules of a task used one shared peak rate ({rates}). Schedules differ in the rate that suits them best, so any "
    "of them could look better or worse at its own best rate: this compares schedules at these rates, not at their best, and a shape's "
    "effect is not told apart from its rate's. Several rates (-r 0.03 -r 0.1 -r 0.3) give each its own.",
    "once": "Every figure is measured once, on test data, with the weights after the last update; no run and no step was picked.",
    "of one": "With one seed there is no interval, and nothing can be said about differences.",
    "intervals": "Intervals are 95 % t-intervals over {count} seeds. Each seed fixes initial weights and minibatch order for all schedules, "
    "and differences are taken seed by seed. P-values are corrected by Holm's method within a task.",
    "ranks": "A rank of 2 to 4 says that the data leave any place from second best to fourth open.",
    "few": "{count} seeds are few: an interval from them is wide and leans on normality.",
    "mixed": "Records of {task} were made with different versions of {mixed}.",
}
