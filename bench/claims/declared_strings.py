"""What each claim says and who published it: a title, the finding as it is tried here, the source and its address."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "C1": {
        "title": "Every decay beats the tuned constant",
        "statement": "Each of seven decaying schedules ends with a lower test error than a constant rate, each at its own best peak "
        "rate.",
        "source": "Defazio et al. 2023, When, why and how much? Adaptive learning rate scheduling by refinement",
        "url": "https://arxiv.org/abs/2310.07831",
    },
    "C2": {
        "title": "Linear beats step and exponential under small budgets",
        "statement": "With 5 % and with 25 % of 2000 updates, linear decay to zero ends with a lower test error than a step schedule"
        " and than exponential decay to 1 %, each at its own best peak rate.",
        "source": "Li et al. 2020, Budgeted training",
        "url": "https://arxiv.org/abs/1905.04753",
    },
    "C3": {
        "title": "A snapshot ensemble beats single models at the same cost",
        "statement": "Five snapshots of one cyclic run, averaged, end with a lower test error than one model under steps or under "
        "one cosine, than snapshots without cycles, and than five short runs averaged, all at one cost in updates.",
        "source": "Huang et al. 2017, Snapshot ensembles: train 1, get M for free",
        "url": "https://arxiv.org/abs/1704.00109",
    },
    "C6": {
        "title": "Decay to zero beats decay to a tenth, unless the run is short",
        "statement": "A small transformer trained on 77 tokens a parameter ends with a lower test loss when its rate falls to zero "
        "than when it falls to a tenth; in a short run of a perceptron it is the other way round.",
        "source": "Bergsma et al. 2025, Straight to zero: why linearly decaying the learning rate to zero works best for LLMs",
        "url": "https://arxiv.org/abs/2502.15938",
    },
    "C7": {
        "title": "Linear decay forgives a wrong peak rate",
        "statement": "Over peak rates from 0.025 to 0.2 the validation loss of linear decay varies at most half as much as that of a"
        " constant rate.",
        "source": "Bergsma et al. 2025, Straight to zero: why linearly decaying the learning rate to zero works best for LLMs",
        "url": "https://arxiv.org/abs/2502.15938",
    },
    "C10": {
        "title": "The order of schedules on the noisy quadratic",
        "statement": "On the noisy quadratic model, each at its own best rate, linear ends below cosine, cosine below warmup-stable-"
        "decay and that below the constant, and decay gains more the longer the run.",
        "source": "Zhang et al. 2019, Which algorithmic choices matter at which batch sizes? (the model)",
        "url": "https://arxiv.org/abs/1907.04164",
    },
    "F1": {
        "title": "Losses are forecast from one log or two",
        "statement": "On a small transformer, laws fitted to a run of warmup, plateau and cooldown, and to that and a step, tell "
        "what fifteen other schedules end with, two of them twice as long.",
        "source": "glidepath, after Tissue et al. 2024 and Luo et al. 2025",
        "url": "https://arxiv.org/abs/2503.12811",
    },
    "F2": {
        "title": "The curves of language models that others published are forecast",
        "statement": "On the published curves of 25, 100 and 400 million parameters the published law and its coefficients give the "
        "published errors, and the median of three laws forecasts the other curves, from the authors' three and from "
        "one.",
        "source": "Luo et al. 2025, A multi-power law for loss curve prediction across learning rate schedules",
        "url": "https://arxiv.org/abs/2503.12811",
    },
    "F3": {
        "title": "Full-length decays alone are refused",
        "statement": "Laws are not fitted to logs of nothing but cosines or straight lines over the whole run, or their intervals "
        "hold.",
        "source": "glidepath",
        "url": "https://arxiv.org/abs/2503.12811",
    },
    "F4": {
        "title": "A designed schedule against the defaults",
        "statement": "The schedule designed from two logs of one seed ends lower on eight others than five of the six default "
        "schedules, and no higher than the sixth, a plateau with a straight cooldown over the last fifth.",
        "source": "glidepath",
        "url": "https://arxiv.org/abs/2503.12811",
    },
    "F5": {
        "title": "The convex bound carries a tuned peak",
        "statement": "The peak rate tuned for a plateau with a cooldown over the last fifth, carried by the convex bound, is as good"
        " for the other default schedules as the best of a fine grid of their own.",
        "source": "Defazio et al. 2023; Schaipp et al. 2025, The surprising agreement between convex optimization theory and "
        "schedules",
        "url": "https://arxiv.org/abs/2501.18965",
    },
}
