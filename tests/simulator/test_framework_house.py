"""The rules of the simulator's own house."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import simulator
from simulator import atlassian, jira, jumpcloud

ROOT = Path(simulator.__file__).parent
SYSTEMS = (jumpcloud, jira, atlassian)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, modules: set[str]) -> Iterator[str]:
    """The simulator's modules that a file imports, also under `TYPE_CHECKING` and inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def imports() -> dict[str, set[str]]:
    files = {module_of(path): path for path in ROOT.rglob("*.py")}
    return {name: set(imported(path, set(files))) & set(files) for name, path in files.items()}


def test_no_modules_import_each_other_in_a_circle_not_even_for_the_type_checker() -> None:
    left = imports()
    while free := [name for name, needs in left.items() if not needs & left.keys() - {name}]:
        for name in free:
            del left[name]
    assert left == {}


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.__name__)
def test_every_package_offers_the_same_functions(system: ModuleType) -> None:
    offered = {"ACTIONS", "Switches", "World", "act", "create_app", "dump", "error_body", "load"}
    assert offered <= set(system.__all__)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.__name__)
def test_the_same_role_has_the_same_file_name_in_every_package(system: ModuleType) -> None:
    names = {
        path.relative_to(ROOT / system.__name__.rpartition(".")[2]).with_suffix("").as_posix() for path in files(system)
    }
    assert {"world", "switches", "snapshot", "api/routes", "api/call"} <= names
    assert {"actions", "actions/__init__"} & names


def files(system: ModuleType) -> Iterator[Path]:
    assert system.__file__ is not None
    return Path(system.__file__).parent.rglob("*.py")


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.__name__)
def test_every_switch_and_every_action_says_what_it_means(system: ModuleType) -> None:
    assert all(field.description for field in system.Switches.model_fields.values())
    assert all(action.__doc__ for action in system.ACTIONS.values())
