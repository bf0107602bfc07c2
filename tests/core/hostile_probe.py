"""Hands hostile input in, each in a process of its own, and prints what came of it: name, outcome, seconds, megabytes."""

import json
import os
import resource

import glidepath as gp
from glidepath import curves
from work import counted


def nest(n, make, inner):
    for _ in range(n):
        inner = make(inner)
    return inner


def deep_json(n, kind="clip", rest='"low": 0', leaf='{"kind": "hold"}', key="schedule"):
    return f'{{"kind": "{kind}", {rest}, "{key}": ' * n + leaf + "}" * n


def cycle():
    data = {"kind": "clip", "low": 0}
    data["schedule"] = data
    return data


def cyclic_list():
    data = []
    data.append(data)
    return {"kind": "chain", "phases": data}


def doubled(n, join):
    made = gp.linear(5)
    for _ in range(n):
        made = join(made, made)
    return made


class Odd:
    def __repr__(self):
        raise RuntimeError("no")

    def __index__(self):
        raise RuntimeError("no")

    def __float__(self):
        raise RuntimeError("no")

    def __len__(self):
        raise RuntimeError("no")


text, data, built = gp.parse, gp.Schedule.from_json, lambda make: make()


def parsed(make):
    return gp.Schedule.from_dict(make())


CASES = {
    # text
    "empty": (text, ""),
    "blank": (text, "   "),
    "null byte": (text, "hold()\0"),
    "null bytes": (text, "\0" * 1000),
    "parentheses": (text, "(" * 60000),
    "closed parentheses": (text, "(" * 30000 + ")" * 30000),
    "90 parentheses": (text, "(" * 95 + "1" + ")" * 95),
    "brackets": (text, "[" * 60000),
    "braces": (text, "{" * 60000),
    "minuses": (text, "-" * 63000 + "1"),
    "more minuses": (text, "-" * 10**5 + "1"),
    "nots": (text, "not " * 15000 + "1"),
    "tildes": (text, "~" * 60000 + "1"),
    "2000 minuses": (text, "-" * 2000 + "hold()"),
    "words": (text, "a" * 64000),
    "long": (text, "hold() " * 10**6),
    "digits": (text, "9" * 63000),
    "a million digits": (text, "hold(" + "9" * 10**6 + ")"),
    "decimals": (text, "hold(value=0." + "9" * 399 + "e400)"),
    "exponent": (text, "hold(value=1e99999)"),
    "power": (text, "9**9**9"),
    "power inside": (text, "hold(9**9**9)"),
    "shift": (text, "1<<1000000000"),
    "import": (text, "__import__('os').system('true')"),
    "attribute": (text, "hold().__class__.__mro__"),
    "attribute of a word": (text, "hold.__globals__"),
    "lambda": (text, "lambda: 1"),
    "f-string": (text, "f'{1}'"),
    "f-string inside": (text, "hold(f'{1}')"),
    "comprehension": (text, "[x for x in hold()]"),
    "generator": (text, "chain(x for x in [])"),
    "walrus": (text, "(x := hold())"),
    "walrus inside": (text, "hold(value=(x := 1))"),
    "star": (text, "chain(*[hold()])"),
    "double star": (text, "hold(**{'value': 1})"),
    "dict": (text, "{'kind': 'hold'}"),
    "set": (text, "{1, 2}"),
    "subscript": (text, "[hold()][0]"),
    "comparison": (text, "1 < hold()"),
    "boolean": (text, "hold() and hold()"),
    "conditional": (text, "hold() if 1 else hold()"),
    "await": (text, "await hold()"),
    "yield": (text, "(yield)"),
    "two": (text, "hold(); hold()"),
    "assignment": (text, "x = hold()"),
    "statement": (text, "import os"),
    "backquote": (text, "`hold`"),
    "ellipsis": (text, "..."),
    "bytes": (text, "hold(b'1')"),
    "complex": (text, "hold(value=1j)"),
    "string": (text, "'hold()'"),
    "repeated string": (text, "'a' * 1000000000"),
    "repeated list": (text, "[1] * 1000000000"),
    "string times": (text, "hold() * 'a'"),
    "call of a call": (text, "hold()()"),
    "call of a string": (text, "'hold'()"),
    "cyrillic": (text, "h\u043eld()"),
    "fullwidth": (text, "\uff48\uff4f\uff4c\uff44()"),
    "mathematical": (text, "\U0001d421\U0001d428\U0001d425\U0001d41d()"),
    "fullwidth field": (text, "hold(\uff56\uff41\uff4c\uff55\uff45=1)"),
    "arabic digits": (text, "hold(\u0661)"),
    "surrogate": (text, "hold(\ud800)"),
    "right to left": (text, "\u202ehold()"),
    "emoji": (text, "\U0001f600"),
    "zero width": (text, "ho\u200bld()"),
    "number": (text, "1"),
    "list": (text, "[hold()]"),
    "none": (text, "None"),
    "word": (text, "hold"),
    "unknown words": (text, " + ".join(f"lineer({i})" for i in range(4000))),
    "wrong fields": (text, " >> ".join("linear(0, flor=1)" for _ in range(3000))),
    "bad lengths": (text, " >> ".join("linear(0)" for _ in range(5000))),
    "zero division": (text, "hold() / 0"),
    "zero by zero": (text, "hold() * (0 / 0)"),
    "overflow": (text, "hold() * (1e308 * 10)"),
    "huge product": (text, "hold() * 1e99 * 1e99"),
    "integers": (text, f"hold() * ({'9' * 399} * {'9' * 399})"),
    "product of integers": (text, " * ".join(["9" * 390] * 150) + " * hold()"),
    "nested calls": (text, "clip(" * 3000 + "hold()" + ", low=0)" * 3000),
    "65 deep": (text, "clip(" * 65 + "hold()" + ", low=0)" * 65),
    "too many": (text, "minimum(" + ",".join(["hold()"] * 8000) + ", minimum(" + ",".join(["hold()"] * 2500) + "))"),
    "curve": (text, "ramp(1, 0, 5, curve='reverse(" + "reverse(" * 5000 + "')"),
    "deep curve": (text, "ramp(1, 0, 5, curve='" + "reverse(" * 80 + "linear" + ")" * 80 + "')"),
    "curve import": (text, "ramp(1, 0, 5, curve='__import__(1)')"),
    "curve null": (text, "ramp(1, 0, 5, curve='\\0')"),
    "nested text": (text, "clip('clip(\"hold()\", 1)', 1, 2, 3)"),
    "tabs": (text, "\thold(\n"),
    "quotes": (text, "'" * 5001),
    "backslashes": (text, "\\" * 60000),
    "newlines": (text, "\n" * 60000 + "1"),
    "comment": (text, "# hold()"),
    "not text": (text, 5),
    "bytes text": (text, b"hold()"),
    "list text": (text, ["hold()"]),
    # JSON
    "json empty": (data, ""),
    "json nan": (data, '{"kind": "hold", "value": NaN}'),
    "json inf": (data, '{"kind": "hold", "value": -Infinity}'),
    "json 1e999": (data, '{"kind": "hold", "value": 1e999}'),
    "json digits": (data, '{"kind": "hold", "steps": ' + "9" * 10**6 + "}"),
    "json decimals": (data, '{"kind": "hold", "value": 0.' + "9" * 10**6 + "e999}"),
    "json duplicate": (data, '{"kind": "hold", "value": 1, "value": 2}'),
    "json duplicate inside": (data, '{"kind": "clip", "low": 0, "schedule": {"kind": "hold", "kind": "ramp"}}'),
    "json lists": (data, "[" * 10**6),
    "json closed lists": (data, "[" * 10**5 + "]" * 10**5),
    "json objects": (data, '{"a":' * 10**5),
    "json closed objects": (data, '{"a":' * 10**5 + "1" + "}" * 10**5),
    "json 65 deep": (data, deep_json(64)),
    "json 1000 deep": (data, deep_json(1000)),
    "json 10^5 deep": (data, deep_json(10**5)),
    "json curve deep": (
        data,
        '{"kind": "ramp", "start": 1, "end": 0, "steps": 3, "curve": '
        + deep_json(100, "reverse", '"x": 0', '"linear"', "curve")
        + "}",
    ),
    "json many": (data, '{"kind": "chain", "phases": [' + ",".join(['{"kind": "hold", "steps": 1}'] * 10001) + "]}"),
    "json very many": (
        data,
        '{"kind": "chain", "phases": [' + ",".join(['{"kind": "hold", "steps": 1}'] * 10**5) + "]}",
    ),
    "json many wrong": (
        data,
        '{"kind": "chain", "phases": [' + ",".join(['{"kind": "hold", "stepz": 1, "valu": 2}'] * 9000) + "]}",
    ),
    "json many unknown": (data, '{"kind": "chain", "phases": [' + ",".join(['{"kind": "lineer"}'] * 9000) + "]}"),
    "json many fields": (data, '{"kind": "hold", ' + ",".join(f'"f{i}": 1' for i in range(10**5)) + "}"),
    "json long key": (data, '{"kind": "hold", "' + "k" * 10**6 + '": 1}'),
    "json long kind": (data, '{"kind": "' + "k" * 10**6 + '"}'),
    "json long list": (data, '{"kind": "multistep", "milestones": [' + ",".join(map(str, range(10**6, 0, -1))) + "]}"),
    "json null": (data, "null"),
    "json number": (data, "5"),
    "json string": (data, '"hold()"'),
    "json true": (data, "true"),
    "json trailing": (data, '{"kind": "hold"} x'),
    "json bytes": (data, b"\xff\xfe\x00"),
    "json utf16": (data, '{"kind": "hold", "stepz": 1}'.encode("utf-16")),
    "json surrogate": (data, '{"kind": "\\ud800"}'),
    "json bom": (data, '\ufeff{"kind": "hold"}'),
    "json none": (data, None),
    "json kind list": (data, '{"kind": ["hold"]}'),
    "json kind null": (data, '{"kind": null}'),
    "json text inside": (data, '{"kind": "clip", "low": 0, "schedule": "' + "(" * 60000 + '"}'),
    "json big text inside": (data, '{"kind": "chain", "phases": [' + ",".join(['"lineer(5)"'] * 9000) + "]}"),
    "json custom": (data, '{"kind": "custom", "formula": "os.system", "digest": "' + "0" * 64 + '"}'),
    "json too large": (data, " " * (65 * 2**20)),
    # dictionaries
    "cycle": (parsed, cycle),
    "cyclic list": (parsed, cyclic_list),
    "odd keys": (parsed, lambda: {"kind": "hold", 5: 1, None: 2}),
    "odd": (parsed, lambda: {"kind": "hold", "steps": Odd()}),
    "odd kind": (parsed, lambda: {"kind": Odd()}),
    "odd data": (parsed, Odd),
    "odd value": (parsed, lambda: {"kind": "hold", "value": Odd()}),
    "odd list": (parsed, lambda: {"kind": "multistep", "milestones": Odd()}),
    "deep dict": (parsed, lambda: nest(10**5, lambda d: {"kind": "clip", "low": 0, "schedule": d}, {"kind": "hold"})),
    "deep tuple": (parsed, lambda: {"kind": "chain", "phases": nest(10**5, lambda d: (d,), ())}),
    "deep list": (parsed, lambda: {"kind": "chain", "phases": nest(10**5, lambda d: [d], [])}),
    "huge int": (parsed, lambda: {"kind": "hold", "steps": 10**10**6}),
    "huge value": (parsed, lambda: {"kind": "hold", "value": 10**10**6}),
    "huge negative": (parsed, lambda: {"kind": "hold", "value": -(10**10**6)}),
    # built in Python
    "deep": (built, lambda: nest(65, lambda s: s.clip(low=0), gp.linear(5))),
    "very deep": (built, lambda: nest(10**4, lambda s: s.clip(low=0), gp.linear(5))),
    "deep sums": (built, lambda: nest(200, lambda s: gp.minimum(s + 1, s * 2), gp.linear(5))),
    "doubled sum": (built, lambda: doubled(40, lambda a, b: a + b)),
    "doubled chain": (built, lambda: doubled(40, lambda a, b: a >> b)),
    "doubled minimum": (built, lambda: doubled(40, gp.minimum)),
    "doubled product": (built, lambda: doubled(40, lambda a, b: a * b)),
    "deep curves": (built, lambda: nest(10**5, curves.Reverse, curves.Linear())),
    "many parts": (built, lambda: gp.Sum([gp.linear(5)] * 10001)),
    "million parts": (built, lambda: gp.Sum([gp.linear(5)] * 10**6)),
    "many shared": (built, lambda: gp.Sum([gp.Sum([gp.linear(5)] * 9999) * 1] * 2)),
    "huge length": (built, lambda: gp.Hold(10**10**6)),
    "growth": (built, lambda: gp.linear(5).repeat(growth=1 + 1e-15)),
    "shrink": (built, lambda: gp.linear(5).repeat(cycles=10**6, growth=1 - 1e-9)),
    "cycles": (built, lambda: gp.linear(5).repeat(cycles=2**53)),
    "long chain": (built, lambda: gp.Hold(2**53) >> gp.Hold(1)),
    "long stretch": (built, lambda: gp.linear(2**50).stretch(1e99)),
    "tiny stretch": (built, lambda: gp.linear(2**50).stretch(5e-324).until(0)),
    "generator parts": (built, lambda: gp.Chain(x for x in [gp.linear(5)])),
    "string parts": (built, lambda: gp.Chain("abc")),
    "odd argument": (built, lambda: gp.Hold(Odd())),
    "odd step": (built, lambda: gp.linear(5)(Odd())),
    "expression": (built, lambda: gp.Expression("(" * 1900)),
    "expression power": (built, lambda: gp.Expression("9**9**9**9**step")),
    "expression import": (built, lambda: gp.Expression("__import__('os')")),
    "replaced": (built, lambda: gp.linear(5).replace(steps=0, nothing=1)),
    "one_cycle": (built, lambda: gp.one_cycle(10**400)),
    "recipe odd": (built, lambda: gp.warmup_cosine(Odd(), Odd())),
    "piecewise": (built, lambda: gp.piecewise_constant(Odd(), Odd())),
}


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(name):
    run, given = CASES[name]
    before = peak()
    try:
        with counted() as work:
            made = run(given)
        outcome = "made " + repr(made)[:100]
    except gp.GlidepathError as error:
        outcome = "refused"
        message = str(error)
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        outcome = f"{type(error).__name__}: {error}"[:200]
    memory = peak() - before
    if outcome == "refused":
        lines = message.split("\n")
        if lines[-1].startswith("… and "):
            lines.pop()
        if len(message) > 60_000 or not all(" must be " in line and ", got " in line for line in lines):
            outcome = "unclear: " + message[:300]
        else:
            outcome += " " + message[:300]
    return outcome, work(), memory


def main() -> None:
    """Measures every case in a process of its own and prints what came out, a line each."""
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    gp.parse("warmup(5) >> cosine(5)")
    gp.parse("StepLR(30)")  # the other libraries' rows are read once, not in every process
    gp.Schedule.from_json('{"kind": "hold"}')
    for name in CASES:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            found = measured(name)
            os.write(write, json.dumps(found).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        print(
            json.dumps([name, *(json.loads(said) if said else [f"the process ended with status {status}", 0, 0])]),
            flush=True,
        )


if __name__ == "__main__":  # collecting doctests imports this file: it must not limit the tests' own memory
    main()
