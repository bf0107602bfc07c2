"""Whose scheduler a name is: a qualified name is matched whole, a bare one by the libraries that have it."""

from __future__ import annotations

from ..core.errors import GlidepathError, did_you_mean
from ..core.text import vocabulary
from .calls import Call
from .reading import At, Dialect, known, libraries

__all__ = ["candidates", "library_of", "nobody", "of_library", "whose"]

FIRST = (
    "pytorch",
    "keras",
    "paddle",
    "oneflow",
    "tensorflow",
    "tensorflow/models",
)  # asked in this order, then the rest


def candidates(name: str) -> list[Dialect]:
    """Returns the libraries that a name can be of, the most usual first.

    Args:
        name: As it is written, with its module or without.
    """
    prefix, _, last = name.rpartition(".")
    found: list[Dialect] = []
    for framework in dict.fromkeys((*FIRST, *libraries())):
        language = known(framework)
        if (language.has(last) or last in language.elsewhere) and (not prefix or _holds(language, prefix)):
            found.append(language)
    whole = [language for language in found if prefix in (*language.modules, language.framework, *language.aliases)]
    return whole or found


def _holds(language: Dialect, prefix: str) -> bool:
    """Tells whether a prefix is a module of a library, or the end of one, as in `lr_scheduler.StepLR`."""
    if prefix in (language.framework, *language.aliases):
        return True
    return any(module == prefix or module.endswith("." + prefix) for module in language.modules)


def of_library(prefix: str) -> bool:
    """Tells whether a prefix is a module in which some library has its schedulers."""
    return any(_holds(known(name), prefix) for name in libraries())


def whose(call: Call, framework: str | None = None) -> tuple[Dialect, str]:
    """Returns the library of a call, and a line that says whose it was taken for where the name alone does not tell.

    Args:
        call: A call of a scheduler.
        framework: The library, where it is known.

    Raises:
        GlidepathError: If no library has such a scheduler.
    """
    if framework:
        return known(framework), ""
    found = candidates(call.name)
    if not found:
        raise nobody(call.name)
    if len(found) == 1:
        return found[0], ""
    fitting = [language for language in found if _fits(language, call)] or found
    taken, others = fitting[0], fitting[1:]
    modules = " or ".join(f"{language.modules[0]}." for language in others if language.modules)
    whose = ", which has all of its arguments" if not others else f"; write {modules} before it for another's"
    return taken, f"{call.name} is read as {taken.title}'s{whose}"


def library_of(call: Call, framework: str | None = None) -> Dialect:
    """Returns the library of a call, the most usual one where several have the name.

    Raises:
        GlidepathError: If no library has such a scheduler.
    """
    return whose(call, framework)[0]


def _fits(language: Dialect, call: Call) -> bool:
    """Tells whether a library's scheduler takes the arguments of a call."""
    try:
        proper = language.named(call.name)
        language.bound(At(language, proper, 0.1, strict=False), call)
    except GlidepathError:
        return False
    return True


def nobody(name: str) -> GlidepathError:
    """Returns the error of a name that no library has, or that stands in a module which is none of a library that has it."""
    prefix, _, last = name.rpartition(".")
    rule = "a scheduler of a known library, or our own text"
    for language in map(known, libraries()):
        if prefix and _holds(language, prefix) and not language.has(last):
            language.named(name)  # refuses it, and says what is near
    having = [language for language in map(known, libraries()) if language.has(last)]
    if prefix and having:
        places = " or ".join(f"{language.modules[0]}.{last}" for language in having if language.modules)
        return GlidepathError.of(
            "text", "call", rule, name, f"{prefix} is no module of theirs: if it is, write {places}"
        )
    names = {known_name for language in map(known, libraries()) for known_name in language.readers}
    return GlidepathError.of("text", "call", rule, name, did_you_mean(last, names | set(vocabulary())))
