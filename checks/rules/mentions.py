"""What documents say can be typed, can be: commands, options, settings, variables and make targets exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from checks import markdown
from checks.commands import Command, command_tree
from checks.tree import Finding, Tree

_COMMAND = re.compile(r"(?:^|[|;&$]\s+|/)provisor\s+(?P<rest>[a-z-].*)")
_VARIABLE = re.compile(r"\bPROVISOR_[A-Z][A-Z0-9_]*\b")
_READ = re.compile(r"environ(?:\.get\(|\[)\s*\"(PROVISOR_[A-Z0-9_]+)\"")
_KEY = re.compile(r"[a-z]+(?:\.[a-z_]+)+")
_TARGET = re.compile(r"(?:^|[\s(])make ([a-z-]+)")
_DEFINED = re.compile(r"^([a-z-]+):", re.MULTILINE)

#: Generated from the thing itself, or about all versions: nothing to compare.
_EXEMPT = ("docs/settings.md", "docs/commands.md", "CHANGELOG.md")
#: What cuts a command line short: another command, a comment, redirection, or words left out.
_END = re.compile(r"\s(?:[|#>&<]|…|\.\.\.).*$|\\$")


def findings(tree: Tree) -> Iterator[Finding]:
    """Mentions of what does not exist."""
    top, known = command_tree(), _settings(tree)
    targets = frozenset(_DEFINED.findall(tree.read("Makefile")))
    for page in tree.ending(".md"):
        if page not in _EXEMPT:
            for line, words in markdown.code(tree.read(page)):
                yield from (Finding(page, problem, line) for problem in _problems(words, top, known, targets, tree))
            for number, content in enumerate(tree.read(page).splitlines(), start=1):
                for variable in set(_VARIABLE.findall(content)) - known.variables:
                    yield Finding(page, f"names the variable {variable}, and nothing reads it.", number)


def _problems(words: str, top: Command, known: _Settings, targets: frozenset[str], tree: Tree) -> Iterator[str]:
    if (found := _COMMAND.search(words)) and (problem := _wrong_command(top, found["rest"])):
        yield problem
    if (
        _KEY.fullmatch(words)
        and words.split(".", maxsplit=1)[0] in known.sections
        and not _is_known(words, known, tree)
    ):
        yield f"names the setting {words}, and there is none."
    for target in set(_TARGET.findall(words)) - targets:
        yield f"names 'make {target}', and there is no such target."


@dataclass(frozen=True, slots=True)
class _Settings:
    keys: frozenset[str]
    sections: frozenset[str]
    variables: frozenset[str]


def _settings(tree: Tree) -> _Settings:
    from config.setting_keys import all_keys, variable  # noqa: PLC0415 - so that rules about text need nothing of the product
    from config.settings import Settings  # noqa: PLC0415 - as above
    from config.settings_sources import CONTROLS  # noqa: PLC0415 - as above

    keys = frozenset(all_keys(Settings))
    read = {name for path in tree.ending(".py") for name in _READ.findall(tree.read(path))}
    sections = frozenset(key.partition(".")[0] for key in keys if "." in key)
    return _Settings(keys, sections, frozenset(map(variable, keys)) | CONTROLS | read)


def _is_known(words: str, known: _Settings, tree: Tree) -> bool:
    """Whether it is a setting, a section of settings, or a module of the same name as a section."""
    module = words.replace(".", "/")
    return (
        words in known.keys
        or any(key.startswith(f"{words}.") for key in known.keys)
        or any(path.startswith((f"{module}.", f"{module}/")) for path in tree.paths)
        or any(path == f"{module.rpartition('/')[0]}.py" for path in tree.paths)
    )


def _wrong_command(top: Command, rest: str) -> str | None:
    try:
        words = shlex.split(_END.sub("", f" {rest}"))
    except ValueError:
        return f"has 'provisor {rest}', whose quotes do not match."
    command, path = top, "provisor"
    left = iter(words)
    for word in left:
        if word.startswith("-"):
            option = word.partition("=")[0]
            if not command.passes_on and option not in command.options and option != "-":
                return f"has the option {option} of '{path}', and there is none."
            if word in command.valued:
                next(left, None)
        elif command.commands:
            if word not in command.commands:
                return f"has '{path} {word}', and there is no such command."
            command, path = command.commands[word], f"{path} {word}"
    return None
