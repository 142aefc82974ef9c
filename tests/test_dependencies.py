"""The versions that `pyproject.toml` allows, and those that the tests use."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
REQUIREMENTS = [Requirement(text) for text in PROJECT["dependencies"] + EXTRAS]
TESTED = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
}
NEEDED = {"torch": "2.8", "huggingface_hub": "1.32", "typer": "0.27.2"}
"""The first versions with torch.onnx.ops.symbolic, huggingface_hub.utils.httpx and
typer.TyperException: older ones install, and fail when the name is used."""


@pytest.mark.parametrize("required", REQUIREMENTS, ids=str)
def test_the_tested_version_is_in_the_supported_range(required: Requirement) -> None:
    tested = TESTED[canonicalize_name(required.name)]
    assert required.specifier.contains(tested)
    assert Version(Version(metadata.version(required.name)).public) == tested


@pytest.mark.parametrize("name", NEEDED)
def test_every_supported_version_has_the_functions_called(name: str) -> None:
    (required,) = (one for one in REQUIREMENTS if one.name == name)
    lowest = Version(NEEDED[name])
    assert required.specifier.contains(lowest)
    below = Version(f"{lowest.major}.{lowest.minor - 1}.999" if lowest.minor else "0")
    assert not required.specifier.contains(below)


def test_every_import_is_a_declared_dependency() -> None:
    declared = {canonicalize_name(one.name) for one in REQUIREMENTS}
    homes = metadata.packages_distributions()
    for file in sorted((ROOT / "nmt").rglob("*.py")):
        for name in _imported(ast.parse(file.read_text(encoding="utf-8"))):
            if name not in sys.stdlib_module_names and name != "nmt":
                distributions = {canonicalize_name(each) for each in homes.get(name, [])}
                assert distributions & declared, f"{file}: {name} is in no list of pyproject.toml"


def _imported(tree: ast.AST) -> set[str]:
    """The packages that a module imports, except for type checking."""
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
