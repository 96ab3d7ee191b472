"""The arrows of the design: who may import whom, and what an import may cost."""

import ast
import functools
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A module imports from its own row or those above; within a row, never in a circle.
RANKS = [
    {"cifar"},
    {
        "cifar.hub",
        "cifar.images",
        "cifar.pinned",
        "cifar.data",
        "cifar.image_table",
        "cifar.metrics",
        "cifar.device",
        "cifar.convolution",
        "cifar.mirror",
        "cifar.qualities",
        "cifar.foreign",
    },
    {"cifar.annotations", "cifar.pack", "cifar.sprites"},
    {"cifar.augment", "cifar.model", "cifar.optimizer", "cifar.parallel"},
    {"cifar.recipe", "cifar.checkpoint", "cifar.card"},
    {"cifar.batches", "cifar.runs", "cifar.start", "cifar.classifier", "cifar.predictions"},
    {"cifar.probes", "cifar.ood", "cifar.neighbours", "cifar.assets"},
    {"cifar.evaluate"},
    {"cifar.teacher"},
    {"cifar.train"},
    {"cifar.verdicts", "cifar.slices", "cifar.mistakes", "cifar.others", "cifar.explain"},
    {"cifar.bundle", "cifar.predict"},
    {"cifar.explorer"},
    {"cifar.library"},
    {"cifar.page"},
    {"cifar.results", "cifar.comparisons", "cifar.figures", "cifar.screenshot", "cifar.bench"},
    {"cifar.publish", "cifar.usage"},
    {"cifar.ui"},  # and all that is in it
    {"app", "cifar.__main__"},
]
FILES = [*sorted((ROOT / "cifar").rglob("*.py")), *ROOT.glob("app.py")]


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def rank(module):
    family = next(
        (
            f
            for f in ("cifar.ui", "cifar.bench", "cifar.explain", "cifar.publish")
            if module.startswith(f + ".")
        ),
        module,
    )
    found = [i for i, row in enumerate(RANKS) if family in row]
    assert found, f"{module} has no place in the order of imports"
    return found[0]


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


def test_imports_run_one_way():
    pairs = ((module, name) for module in MODULES for name in ours(module))
    assert [pair for pair in pairs if rank(pair[1]) > rank(pair[0])] == []


def test_imports_never_run_in_a_circle():
    order = list(TopologicalSorter({m: ours(m) - {m} for m in MODULES}).static_order())
    assert set(order) == MODULES.keys()


def test_only_the_face_imports_gradio():
    assert {m for m in importers_of("gradio") if not m.startswith("cifar.ui")} <= {"app"}


def test_pyplot_with_its_state_for_all_threads_stays_out():
    assert not any("matplotlib.pyplot" in imports(module) for module in MODULES)


def test_only_train_imports_accelerate():
    assert importers_of("accelerate") == {"cifar.train"}


def test_the_arithmetic_knows_neither_files_nor_the_network():
    for module in (
        "cifar.metrics",
        "cifar.augment",
        "cifar.optimizer",
        "cifar.model",
        "cifar.convolution",
        "cifar.mirror",
    ):
        assert not imports(module) & {"pathlib", "json", "os", "huggingface_hub"}
    assert "torch" not in imports("cifar.images")


def test_an_import_loads_nothing_heavy():
    """So that `--help` answers soon; `bench start` says how soon."""
    code = (
        "import sys, cifar.__main__, cifar.images; print(*{n.split('.')[0] for n in sys.modules})"
    )
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    heavy = {"torch", "gradio", "accelerate", "pandas", "matplotlib", "sklearn", "scipy"}
    assert not heavy & {name.split(".")[0] for name in loaded.split()}
