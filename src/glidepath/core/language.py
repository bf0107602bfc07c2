"""The language that things are told in: English, or Chinese where the environment or the page asks for it. One table: `zh_strings`."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping

from .errors import Problem
from .zh_strings import ARGUMENTS, REASONS, REMARKS, RULES, SENTENCES


def language() -> str:
    """Returns `zh` or `en`: the first of `GLIDEPATH_LANG`, `LC_ALL`, `LC_MESSAGES` and `LANG` that says something decides."""
    asked = next(
        (found for name in ("GLIDEPATH_LANG", "LC_ALL", "LC_MESSAGES", "LANG") if (found := os.environ.get(name))), ""
    )
    return "zh" if asked.lower().startswith("zh") else "en"


def said(text: str, lang: str | None = None) -> str:
    """Returns a sentence in a language; in English where it has no Chinese. A text of several paragraphs is said one by one.

    Args:
        text: In English.
        lang: `en` or `zh`; None is what the environment asks for.

    Examples:
        >>> said("Stays where it is.", "zh")
        '恒定学习率：始终不变。'
    """
    if (lang or language()) != "zh":
        return text
    return SENTENCES.get(text) or "\n\n".join(
        SENTENCES.get(" ".join(part.split()), part) for part in text.split("\n\n")
    )


def argument(name: str, field: str, lang: str | None = None) -> str:
    """Returns what an argument of a classic library's class is, or an empty string.

    Args:
        name: The class, such as `StepLR` or `train.cosine_decay`.
        field: The argument.
        lang: `en` or `zh`; None is what the environment asks for.
    """
    pair = ARGUMENTS.get(f"{name.rpartition('.')[2]}.{field}") or ARGUMENTS.get(field, ("", ""))
    return pair[(lang or language()) == "zh"]


def problem(one: Problem, lang: str | None = None) -> str:
    """Returns a refusal as one sentence; in English where its rule has no Chinese.

    Args:
        one: What was refused.
        lang: `en` or `zh`; None is what the environment asks for.

    Examples:
        >>> problem(Problem("cosine", "steps", "an integer from 1 to 9", "0"), "zh")
        'cosine：steps 必须是 1 到 9 之间的整数，得到的是 0'
    """
    rule = _filled(one.rule, RULES) if (lang or language()) == "zh" else None
    if rule is None:
        return str(one)
    where, field, value, remedy = (
        _filled(text, REMARKS) or text for text in (one.where, one.field, one.value, one.remedy)
    )
    head = f"{where}：" if where else ""
    space = " " if field and field[-1].isascii() else ""
    return f"{head}{field}{space}必须{rule}，得到的是 {value}{f'（{remedy}）' if remedy else ''}"


def reason(text: str, lang: str | None = None) -> str:
    """Returns why a controller decided as it did; in English where one of its clauses has no Chinese.

    Args:
        text: In English.
        lang: `en` or `zh`; None is what the environment asks for.

    Examples:
        >>> reason("1.28 is not below 1.27, 4 in a row, patience 3: cut by 0.1", "zh")
        '1.28 不低于 1.27，连续 4 次，容忍 3 次：乘以 0.1'
    """
    parts = re.split(r"([,;:]) ", text)
    clauses = [_filled(part, REASONS) for part in parts[::2]]
    if (lang or language()) != "zh" or None in clauses:
        return text
    marks = [{",": "，", ";": "；", ":": "："}[mark] for mark in parts[1::2]]
    return "".join(f"{clause}{mark}" for clause, mark in zip(clauses, [*marks, ""], strict=True))


def worded(text: str, table: Mapping[str, str], lang: str | None = None) -> str:
    """Returns a text in whose places stand names, numbers or other texts of its table; in English where that has no Chinese.

    Args:
        text: In English.
        table: Of `zh_strings`.
        lang: `en` or `zh`; None is what the environment asks for.

    Examples:
        >>> from glidepath.core.zh_strings import FINDINGS
        >>> worded("training diverges from 0.2, and the sweep began at 0.15", FINDINGS, "zh")
        '训练从 0.2 起发散，而扫描从 0.15 开始'
    """
    return ((lang or language()) == "zh" and _filled(text, table, free=True)) or text


def _filled(text: str, table: Mapping[str, str], free: bool = False) -> str | None:
    """Returns the Chinese of a text whose places hold numbers and names; None where it has none, or a place holds English prose.

    Where they are free, places hold what was typed, or other texts of the table.
    """
    if text in table:
        return table[text]
    for pattern, chinese in _patterns(tuple(table.items())):
        if found := pattern.fullmatch(text):
            inner = [(free and _filled(part, table, free)) or part for part in found.groups()]
            parts = [_JOINS.sub(lambda word: f" {_WORDS[word[1]]}", part) for part in inner]
            if free or not any(_PROSE.search(part) for part in parts):
                return chinese.format(*parts)
    return None


_WORDS = {"or": "或", "and": "和", "updates": "次更新", "epochs": "轮", "samples": "个样本", "tokens": "个 token"}
_JOINS = re.compile(r" (or|and|updates|epochs|samples|tokens)\b")
_PROSE = re.compile(r"[a-z]{2,} [a-z]{2,}")


@functools.cache
def _patterns(table: tuple[tuple[str, str], ...]) -> list[tuple[re.Pattern[str], str]]:
    """Returns what has places in it, the longest first."""
    ordered = sorted((pair for pair in table if "{}" in pair[0]), key=lambda pair: len(pair[0]), reverse=True)
    return [(re.compile("(.+?)".join(map(re.escape, rule.split("{}")))), chinese) for rule, chinese in ordered]
