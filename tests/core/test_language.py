"""Chinese: nothing is missing, nothing is unused, and what is not in the table is said in English."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import glidepath as gp
from glidepath import GlidepathError, dialects
from glidepath.core import custom
from glidepath.core.codec import field_notes
from glidepath.core.curves import Curve
from glidepath.core.errors import Problem
from glidepath.core.language import argument, language, problem, reason, said, worded
from glidepath.core.zh_strings import ARGUMENTS, FINDINGS, REASONS, REMARKS, RULES, SENTENCES, USAGE
from glidepath.dialects.table import known
from glidepath.feedback.controller import Controller
from glidepath.view.examples import CLASSIC

SOURCES = Path(gp.__file__).parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def first(thing) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def asked() -> set[str]:
    """Every sentence that must have Chinese: kinds, recipes, curves, controllers, classes of the classic libraries, commands."""
    from glidepath.cli import app

    words = [make for name, make in gp.vocabulary().items() if name not in custom._formulas]  # of other tests
    makes = [*words, *Curve.registry.values(), *Controller.registry.values()]
    makes = [make for make in makes if make.__module__.startswith("glidepath.")]
    makes += [known(library).readers[name] for library in CLASSIC for name in dialects.names(library)]
    found = {sentence for make in makes for sentence in (first(make), *field_notes(make).values()) if sentence}
    command = get_command(app)
    helps = [command.help or "", *(one.help or "" for one in command.commands.values())]
    options = [each for one in (command, *command.commands.values()) for each in one.params]
    found |= {" ".join(text.split()) for each in options if (text := getattr(each, "help", None))}
    return found | {" ".join(part.split()) for text in helps for part in text.split("\n\n")}


def test_no_sentence_is_missing():
    assert sorted(asked() - set(SENTENCES)) == []


def test_no_sentence_is_unused():
    """What no docstring holds is in the code, letter by letter."""
    rest = set(SENTENCES) - asked()
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py") if "zh_strings" not in path.name
    )
    assert sorted(sentence for sentence in rest if sentence not in code and sentence not in TYPERS) == []


TYPERS = {  # of the library that draws the help
    "Install completion for the current shell.",
    "Show completion for the current shell, to copy it or customize the installation.",
    "Options",
    "Show this message and exit.",
    "Aborted.",
    "Error",
    "[default: {}]",
    "[required]",
    "Try [blue]'{command_path} {help_option}'[/] for help.",
    "Commands",
    "Arguments",
}


def test_every_argument_of_a_classic_class_is_explained_and_no_explanation_is_unused():
    used = {
        "base_lr",
        "initial_learning_rate",
        "learning_rate",
    }  # what each library calls the base rate, which the page adds
    for library in CLASSIC:
        for name in dialects.names(library):
            for field in (parameter.name for parameter in known(library).parameters(name)):
                short = f"{name.rpartition('.')[2]}.{field}"
                assert argument(name, field, "en"), f"{library}.{short}"
                assert CHINESE.search(argument(name, field, "zh"))
                used.add(short if short in ARGUMENTS else field)
    assert set(ARGUMENTS) - used == set()


def test_every_rule_is_one_that_the_code_has():
    """Each piece of a rule between its places stands in the code."""
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py") if "zh_strings" not in path.name
    )
    plain = re.sub(r'"\s*\n\s*f?"', "", code)
    missing = [
        rule
        for rule in [*RULES, *REASONS, *FINDINGS, *set(REMARKS) - PYTHONS]
        for piece in re.split(r"{}|(?: above| from)(?= {})", rule)
        if piece.strip(" ,") and piece.strip() not in plain
    ]
    assert missing == []
    assert all(
        rule.count("{}") == len(re.findall(r"{\d?}", said))
        for rule, said in (RULES | REMARKS | REASONS | FINDINGS | USAGE).items()
    )


PYTHONS = {  # what Python's own messages say
    "invalid syntax",
    "invalid syntax at column {}",
    "{} was never closed at column {}",
    "invalid character {} at column {}",
    "missing a required argument: {}",
    "too many positional arguments",
    "division by zero",
}


def test_chinese_is_chinese_and_keeps_the_words_of_the_language():
    letters = {english for english in SENTENCES if re.fullmatch(r"\$.+?\$\.", english)}
    assert [
        english for english, chinese in SENTENCES.items() if not CHINESE.search(chinese) and english not in letters
    ] == []
    for english, chinese in SENTENCES.items():
        assert re.findall(r"\$.+?\$", chinese) == re.findall(r"\$.+?\$", english), english
        words = {word for word in re.findall(r"`(\w+)`", english) if word in gp.vocabulary() or word.endswith("steps")}
        assert words <= set(re.findall(r"`(\w+)`", chinese)), english


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "en_GB.UTF-8", "GLIDEPATH_LANG": "zh"}, "zh"),
        ({"LC_ALL": "zh_TW", "GLIDEPATH_LANG": "en"}, "en"),
    ],
)
def test_the_language_comes_from_the_environment(monkeypatch, environment, expected):
    for name in ("GLIDEPATH_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert language() == expected
    assert said("Stays where it is.") == {"en": "Stays where it is.", "zh": "恒定学习率：始终不变。"}[expected]
    assert said("Not in the table.") == "Not in the table."


def refused(text: str) -> list[Problem]:
    with pytest.raises(GlidepathError, match="must be") as caught:
        gp.parse(text)
    return list(caught.value.problems)


def test_a_refusal_is_said_in_chinese():
    assert (
        problem(refused("cosine(-1)")[0], "zh")
        == "文本第 1 列，cosine：steps 必须是 0 到 9007199254740992 之间的整数，得到的是 -1"
    )
    assert problem(refused("hld(10)")[0], "zh").endswith("（是不是 'hold'？）")
    told = [
        problem(one, "zh")
        for text in ("cosine()", "step(10, factor=-1)", "cosine(10) cosine(10)", "cosine(10, peek=2)")
        for one in refused(text)
    ]
    assert all("必须" in each for each in told), told
    ending = Problem("show", "-o", "a file name that ends in .png, .svg or .gif", "'x.jpg'")
    assert problem(ending, "zh") == "show：-o 必须是以 .png, .svg 或 .gif 结尾的文件名，得到的是 'x.jpg'"
    ended = Problem("the peak", "", "reached within 10 updates", "0.5 out of 1")
    assert problem(ended, "zh") == "峰值：必须在 10 次更新内到达，得到的是 0.5（满值为 1）"
    tiny = Problem("plan", "the run", "at least 10 epochs long to have a shape", "2")
    assert problem(tiny, "zh") == "plan：训练必须至少长 10 轮，才谈得上形状，得到的是 2"
    traces = Problem("file", "traces", "a list of 1 to 12 traces", "13 of them")
    assert problem(traces, "zh") == "file：traces 必须是 1 到 12 条曲线组成的列表，得到的是 13 个"
    items = Problem("composer MultiStepScheduler", "milestones", "a list of 1 to 100000 items", "3")
    assert problem(items, "zh") == "composer MultiStepScheduler：milestones 必须是有 1 到 100000 项的列表，得到的是 3"
    assert problem(refused("cosine(-1)")[0], "en") == str(refused("cosine(-1)")[0])
    assert (
        problem(Problem("a", "b", "as nobody has said yet", "c"), "zh") == "a: b must be as nobody has said yet, got c"
    )


@pytest.mark.parametrize("nan", ["hold", "bad", "cut"])
def test_every_reason_of_a_plateau_is_said_in_chinese(nan):
    plateau = gp.feedback.Plateau(factor=0.5, patience=1, cooldown=1, floor=0.4, not_finite=nan, after=1)
    values = [1.0, 1.0, 0.5, 0.5, float("nan"), 0.5, 0.5, 0.6, 0.6, 0.7, 0.1, 0.2, 0.2, 0.2, 0.2]
    told = [
        one.reason for _, one in gp.feedback.replay(plateau, [gp.feedback.Observation(*p) for p in enumerate(values)])
    ]

    assert len({re.sub(r"[0-9.]+", "", each) for each in told}) >= 6
    assert [each for each in told if reason(each, "en") != each] == []
    assert [each for each in told if re.search("[a-z]{2}", reason(each, "zh").replace("nan", ""))] == []
    assert reason("something nobody says, patience 3", "zh") == "something nobody says, patience 3"


@pytest.mark.parametrize(("words", "said"), [(["-h"], "在终端里画出调度"), (["compare", "-h"], "优化器的权重衰减")])
def test_the_help_speaks_chinese(words, said):
    env = os.environ | {"GLIDEPATH_LANG": "zh", "TERM": "dumb", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", "glidepath", *words], capture_output=True, encoding="utf-8", env=env, check=False
    )

    assert said in "".join(done.stdout.split())
    assert "显示这段说明后退出" in done.stdout
    assert not re.search("[\u4e00-\u9fff]…", done.stdout)  # nothing is cut off for want of a space to break at


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cosin"], "没有 'cosin' 这个命令。"),
        (["shw"], "没有 'shw' 这个命令。是不是 'show'？"),
        (["show"], "缺少参数 'SCHEDULE...'。"),
        (["show", "cosine(9)", "--lgo"], "没有 --lgo 这个选项（是不是：--let, --log）"),
        (["list", "a", "bb", "cc"], "多余的参数（bb cc）"),
        (["show", "x", "-o"], "选项 '-o' 需要一个值。"),
        (["find", "mnist1d", "--steps", "x"], "'--steps' 的值无效：应为整数"),
        (["compare", "--seeds", "0"], "'--seeds' / '-s' 的值无效：应不小于 1"),
    ],
)
def test_what_was_asked_wrongly_is_said_in_chinese(words, said):
    from glidepath.cli import app

    with pytest.raises(Exception, match=r"\w") as caught:  # of the library, which keeps its classes to itself
        get_command(app).main(words, standalone_mode=False)
    assert worded(caught.value.format_message(), USAGE, "zh") == said


def test_every_refusal_of_the_command_line_is_one_that_its_library_has():
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(typer.__file__).parent.rglob("*.py"))
    plain = re.sub(r"{[^{}]*}|%s", "{}", code)
    whole = ("Input should be", "Missing argument", "Missing option", "Option {} requires an argument")  # of pieces
    rules = [rule for rule in USAGE if not rule.startswith(whole)]
    missing = [piece for rule in rules for piece in rule.split("{}") if piece.strip(" .)") not in plain]
    assert missing == []


def test_the_command_line_says_so():
    env = os.environ | {"GLIDEPATH_LANG": "zh", "TERM": "dumb", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    words = [sys.executable, "-m", "glidepath", "show", "--lgo"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", env=env, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("用法：python -m glidepath show [选项] {SCHEDULE...}")
    assert "没有 --lgo 这个选项（是不是：--let, --log）" in done.stderr


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("2 of 3", "只有 2 次，需要 3 次"),
        ("flat: the loss falls by 0.01 from 2.3", "损失不降：损失从 2.3 只下降了 0.01"),
        ("0.01 to 0.1 (1.00 decades)", "0.01 到 0.1（1.00 个数量级）"),
        ("rule minimum/10", "规则 minimum/10"),
        ("close to divergence: no rate trained; cost 6 whole trainings (3 rates, 2 seeds), 1.5 seconds",
         "离发散太近：没有一个学习率能训练；共 6 次完整训练（3 个学习率，2 个种子），用时 1.5 秒"),
        ("nobody says this", "nobody says this"),
    ],
)  # fmt: skip
def test_findings_are_said_in_chinese(english, chinese):
    assert worded(english, FINDINGS, "zh") == chinese
    assert worded(english, FINDINGS, "en") == english


def test_every_reason_and_remedy_of_a_range_test_has_chinese():
    from glidepath.finder.suggest import REASONS as WHY

    assert set(WHY) | set(WHY.values()) <= set(FINDINGS)


def test_list_and_refusals_speak_chinese(monkeypatch, capsys):
    from glidepath.cli.common import tell
    from glidepath.cli.schedules import list_words

    monkeypatch.setenv("GLIDEPATH_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "60")
    list_words()
    listed = capsys.readouterr().out
    assert "预热：用`steps`步升到1" in "".join(listed.split())
    assert not re.search("[\u4e00-\u9fff]…", listed)
    list_words("cosine")
    assert "steps: $n$，步数。" in capsys.readouterr().out
    tell(GlidepathError(refused("cosine(-1)")))
    assert "错误：" in (told := "".join(capsys.readouterr().err.split()))
    assert "必须是0到9007199254740992之间的整数，得到的是-1" in told


def test_a_chinese_word_finds_the_words_it_means(monkeypatch, capsys):
    from glidepath.cli.schedules import list_words

    list_words("余弦")
    found = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert found[0] == "cosine"
    assert {"sgdr", "warmup_cosine", "pytorch.CosineAnnealingLR", "tensorflow.train.cosine_decay"} <= set(found)
    for wanted, word in {
        "预热": "warmup",
        "热重启": "sgdr",
        "分段常数": "piecewise_constant",
        "恒定": "constant",
        "单周期": "one_cycle",
    }.items():
        list_words(wanted)
        assert word in capsys.readouterr().out
    with pytest.raises(GlidepathError, match="WORD must be a known word"):
        list_words("没有的词")


def test_the_page_gets_both_languages_of_every_word_and_classic_class():
    from glidepath.playground.catalogue import catalogue

    words = {
        name: entry
        for name, entry in catalogue()["words"].items()
        if (name.partition(".")[0] in CLASSIC or "." not in name) and name not in custom._formulas
    }
    assert len(words) > 100
    for name, entry in words.items():
        assert CHINESE.search(entry["zh"]["about"]), name
        assert all(bool(each["note"]) == bool(each["zh"]["note"]) for each in entry["args"]), name
        if "." in name:
            assert all(each["note"] for each in entry["args"]), name
    assert all(group["zh"]["name"] for group in catalogue()["groups"])
