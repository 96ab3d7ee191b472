"""The arrows of the design: which package may import which, and what an import may cost."""

import ast
import functools
import subprocess
import sys
from graphlib import TopologicalSorter

from cifar import PROJECT

# A package imports from itself and from those left of it; so does a module beside the packages.
ORDER = (
    "files models data evaluation explain training add explore predict ui report publish bench "
    "__main__"
)

FILES = [*sorted((PROJECT / "cifar").rglob("*.py")), PROJECT / "app.py"]


def module_of(path):
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


@functools.cache
def imports(module):
    """Every module that a file imports anywhere, of this project or not, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = whole & MODULES.keys()
            found |= submodules
            if len(submodules) < len(whole):  # a name of the module itself
                found.add(node.module)
    return found


def ours(module):
    return imports(module) & MODULES.keys()


def importers_of(library):
    return {m for m in MODULES if any(name.split(".")[0] == library for name in imports(m))}


def place(module):
    """The place in ORDER of the package that a module is in; the package `cifar` itself first."""
    return -1 if module == "cifar" else ORDER.split().index(module.split(".")[1])


def test_imports_run_one_way():
    pairs = ((module, name) for module in MODULES if module != "app" for name in ours(module))
    assert [pair for pair in pairs if place(pair[1]) > place(pair[0])] == []


def test_imports_never_run_in_a_circle():
    order = list(TopologicalSorter({m: ours(m) - {m} for m in MODULES}).static_order())
    assert set(order) == MODULES.keys()


def test_packages_export_nothing_again():
    packages = [
        path for path in FILES if path.name == "__init__.py" and path.parent.name != "cifar"
    ]
    bodies = {path: ast.parse(path.read_text(encoding="utf-8")).body for path in packages}
    assert [path for path, body in bodies.items() if len(body) != 1] == []  # a docstring alone


def test_only_the_face_imports_gradio():
    assert {m for m in importers_of("gradio") if not m.startswith("cifar.ui")} <= {"app"}


def test_pyplot_with_its_state_for_all_threads_stays_out():
    assert not any("matplotlib.pyplot" in imports(module) for module in MODULES)


def test_an_import_loads_nothing_heavy():
    """So that `--help` answers soon; `bench start` says how soon."""
    code = (
        "import sys, cifar.__main__, cifar.data.pictures; "
        "print(*{n.split('.')[0] for n in sys.modules})"
    )
    loaded = _alone(code)
    heavy = {"torch", "gradio", "accelerate", "pandas", "matplotlib", "sklearn", "scipy"}
    assert not heavy & {name.split(".")[0] for name in loaded.split()}


def _alone(code):
    """Run Python in a process of its own and return what it prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout


def test_importing_everything_leaves_no_trace(tmp_path):
    """No folder, no environment variable, no thread."""
    modules = [module for module in MODULES if module not in ("app", "cifar.__main__")]
    code = f"""
import importlib, os, pathlib, tempfile, threading
import accelerate, gradio, onnx, pytorch_grad_cam, torch, torchvision  # which may do such things
tempfile.tempdir = {str(tmp_path)!r}
before = dict(os.environ), threading.active_count()
for module in {modules}:
    importlib.import_module(module)
assert (dict(os.environ), threading.active_count()) == before
print(*pathlib.Path(tempfile.tempdir).iterdir())
"""
    assert _alone(code).split() == []


def test_the_page_is_laid_out_without_pytorch():
    """`python app.py` serves the page before it loads PyTorch; `bench start` says how soon."""
    code = (
        "import sys, app; print(app.demo.title, [n for n in ('torch', 'cv2') if n in sys.modules])"
    )
    assert _alone(code) == "CIFAR Lens []\n"
