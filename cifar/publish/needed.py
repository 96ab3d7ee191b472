"""What a script needs to run alone: modules of this project, their data files, other packages.

All of it is found in the source: an import counts wherever it stands, inside a function too, so
what is left out is what no line of the needed modules names.
"""

import ast
import re
import sys
from collections.abc import Iterable, Set
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path

from cifar import LensError

ROOT = Path(__file__).resolve().parent.parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
# Lies among the app's components, but the site without a server alone asks for it.
SITE_ONLY = ROOT / "cifar" / "ui" / "components" / "static"


def modules(script: Path = ROOT / "app.py") -> dict[str, Path]:
    """The modules beside a script that it reaches, and itself: dotted names to files.

    A package on the way to a module is reached too, since Python runs its `__init__.py` first.
    """
    folder, found = script.parent, {script.stem: script}
    waiting = [script]
    while waiting:
        for name in _imports(waiting.pop()):
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                module = ".".join(parts[:depth])
                path = _file(folder, module)
                if path is not None and module not in found:
                    found[module] = path
                    waiting.append(path)
    return found


def data_files(found: dict[str, Path]) -> list[Path]:
    """All that lies in the folders of these modules' packages and is no Python, in order.

    A folder below that is a package of its own counts only if it is among them; SITE_ONLY does not.
    """
    packages = [path.parent for path in found.values() if path.name == "__init__.py"]
    files = (file for package in packages for file in _data(package))
    return sorted(file for file in files if SITE_ONLY not in file.parents)


def third_party(found: dict[str, Path]) -> set[str]:
    """The packages that these modules import and that are neither this project nor Python's own:
    the names in their import statements, such as PIL."""
    names = {name.split(".")[0] for path in found.values() for name in _imports(path)}
    return names - {module.split(".")[0] for module in found} - sys.stdlib_module_names


def requirements(names: Iterable[str], path: Path = REQUIREMENTS) -> dict[str, str]:
    """The line of a requirements file for each imported package: its name on PyPI to the line.

    In the file's order, without those that come with another one of them, as gradio_client does
    with gradio. Raises LensError for a package that is not installed, or that no line brings.
    """
    distributions = packages_distributions()
    if absent := sorted(set(names) - distributions.keys()):
        raise LensError(
            f"{', '.join(absent)} is imported but not installed: pip install -r {path.name}."
        )
    wanted = {_name(distributions[name][0]) for name in names}
    lines = path.read_text(encoding="utf-8").splitlines()
    named = {_name(line): line for line in lines if line[:1].isalnum()}
    found = {name: line for name, line in named.items() if name in wanted}
    brought = {
        _name(line) for name in found for line in requires(name) or () if "extra ==" not in line
    }
    if unknown := wanted - found.keys() - brought:
        raise LensError(
            f"{path.name} does not name {', '.join(sorted(unknown))}, which is imported: add it."
        )
    return found


def pinned(lines: dict[str, str], others: dict[str, str] | None = None) -> list[str]:
    """Requirements of exactly the versions that are installed here, or of `others`, by name."""
    chosen = {name: version(name).partition("+")[0] for name in lines} | (others or {})
    return [f"{re.match(r'[^<>=!~; ]+', line)[0]}=={chosen[name]}" for name, line in lines.items()]


def _imports(path: Path) -> Set[str]:
    """Every module that a file names in an import, and every name that it imports from one."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _file(folder: Path, module: str) -> Path | None:
    base = folder.joinpath(*module.split("."))
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


def _data(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir():
        if path.is_dir():
            if path.name != "__pycache__" and not (path / "__init__.py").exists():
                found += _data(path)
        elif path.suffix not in (".py", ".pyc"):
            found.append(path)
    return found


def _name(line: str) -> str:
    """The package that a line of requirements is about, as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower()
