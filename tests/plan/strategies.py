"""Random plans."""

from hypothesis import strategies as st

from glidepath import GlidepathError
from glidepath.plan import Plan

LENGTHS = st.sampled_from(['"5%"', '"30 steps"', '"1 epoch"', '"2e3 samples"', "7", "40"])
FALLS = st.builds(
    "{}({}{})".format,
    st.sampled_from(["cosine", "linear", "polynomial", "one_minus_sqrt"]),
    LENGTHS,
    st.sampled_from(["", ", floor=0.1", ", peak=0.5"]),
)
PHASES = st.one_of(FALLS, LENGTHS.map("hold({})".format), LENGTHS.map("warmup({})".format))
LAST = st.sampled_from(['cosine("rest", floor=0.1)', 'linear("rest")', "hold()", 'hold("rest", value=0.5)'])
TEXTS = st.one_of(
    st.builds(" >> ".join, st.builds(lambda a, b: [*a, b], st.lists(PHASES, max_size=3), LAST)),
    st.builds("0.5 * ({})".format, FALLS),
    st.builds("{} * multistep([10, 20])".format, FALLS),
    st.sampled_from(["step(30, 0.5)", "sgdr(20, warmup=5)", 'warmup_cosine("rest", warmup="5%")', "one_cycle(100)"]),
)
RULES = st.fixed_dictionaries(
    {"schedule": TEXTS},
    optional={
        "floor": st.floats(0, 1),
        "ends": st.floats(0, 1),
        "absolute": st.booleans(),
    },
)
HORIZONS = st.fixed_dictionaries(
    {},
    optional={
        "length": st.sampled_from(["3 epochs", "100 steps", "1e4 samples", "1e6 tokens", "0.5 epochs"]),
        "samples": st.integers(50, 2000),
        "batch": st.integers(1, 8),
        "accumulation": st.integers(1, 3),
        "processes": st.integers(1, 3),
        "drop_last": st.booleans(),
        "split": st.sampled_from(["pad", "drop"]),
        "last_window": st.sampled_from(["step", "drop", "carry"]),
        "tokens_per_sample": st.integers(1, 100),
    },
)
DATA = st.fixed_dictionaries(
    {
        "rules": st.dictionaries(st.sampled_from(["lr", "weight_decay", "momentum", "betas[0]"]), RULES, min_size=1),
        "horizon": HORIZONS,
    },
    optional={
        "clock": st.sampled_from(["updates", "samples", "tokens", "epochs"]),
        "name": st.sampled_from(["a plan", "x: y # z", "- 'quoted'", "Äpfel", "yes", "1e3", ""]),
        "feedback": st.lists(
            st.fixed_dictionaries(
                {
                    "controller": st.sampled_from(
                        ["plateau(factor=0.5)", "divergence_guard(warmup=9)", "keras_plateau(0.1)"]
                    )
                },
                optional={
                    "monitor": st.sampled_from(["loss", "val/acc".replace("/", "_")]),
                    "after": st.sampled_from(["5%", 10]),
                },
            ),
            max_size=2,
        ),
        "batch": st.fixed_dictionaries(
            {
                "schedule": st.sampled_from(
                    ["piecewise_constant([20, 50], [8, 16, 32])", 'ramp(8, 64, "50%")', "ramp(8, 64, 50)"]
                )
            },
            optional={"coupling": st.sampled_from(["none", "linear", "sqrt"]), "reference": st.just(16)},
        ),
    },
)


def plan_or_none(data):
    """Return the plan of random data, or None where it is refused."""
    try:
        return Plan.from_dict(data)
    except GlidepathError:
        return None
