"""Which modules, files and packages the app needs: none missing, none too many."""

import re

import pytest

from cifar import LensError
from cifar.publish import needed
from cifar.publish.needed import ROOT, data_files, modules, pinned, requirements, third_party

FILES = {
    "start.py": "import json\nimport shop.till\nfrom shop import shelf, NAME\n",
    "shop/__init__.py": "NAME = 'shop'\n",
    "shop/till.py": "def pay():\n    from tools.hammer import hit\n    import numpy.linalg\n",
    "shop/shelf.py": "import shop.till\nfrom PIL.Image import open\n",
    "shop/cellar.py": "import torch\n",
    "shop/page/look.css": "",
    "shop/page/deep/draw.js": "",
    "shop/page/__pycache__/draw.pyc": "",
    "shop/attic/__init__.py": "",
    "shop/attic/dust.txt": "",
    "shop/price.txt": "",
    "tools/__init__.py": "import shop\nfrom tools import nails\n",
    "tools/hammer.py": "",
    "tools/nails.py": "",
    "other/notes.txt": "",
}


@pytest.fixture(scope="module")
def app():
    return modules()


@pytest.fixture
def shop(tmp_path):
    """A project of two packages, and the modules that its script reaches."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return modules(tmp_path / "start.py")


def test_a_script_reaches_what_it_imports_anywhere_and_their_packages(shop, tmp_path):
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in shop.items()} == {
        "start": "start.py",
        "shop": "shop/__init__.py",
        "shop.till": "shop/till.py",
        "shop.shelf": "shop/shelf.py",
        "tools": "tools/__init__.py",
        "tools.hammer": "tools/hammer.py",
        "tools.nails": "tools/nails.py",
    }


def test_data_files_of_needed_packages_come_along(shop, tmp_path):
    found = [path.relative_to(tmp_path).as_posix() for path in data_files(shop)]
    assert found == ["shop/page/deep/draw.js", "shop/page/look.css", "shop/price.txt"]


def test_packages_of_others_are_named_as_they_are_imported(shop):
    assert third_party(shop) == {"numpy", "PIL"}


def test_the_app_needs_nothing_of_training_or_publishing(app):
    others = ("train", "recipe", "evaluate", "bench", "figures", "screenshot", "publish")
    assert {
        "app",
        "cifar",
        "cifar.ui.evidence",
        "cifar.explain.cam",
        "cifar.data.pictures",
    } <= app.keys()
    assert not {name for name in app if any(f"cifar.{other}" in name for other in others)}
    assert "cifar.__main__" not in app


def test_all_that_the_page_fetches_comes_along_and_nothing_else(app):
    components = ROOT / "cifar" / "ui" / "components"
    source = "".join(path.read_text(encoding="utf-8") for path in app.values())
    waiting = [components / name for name in re.findall(r'COMPONENTS / "([^"]+)"', source)]
    fetched = set(waiting)
    while waiting:
        script = waiting.pop()
        # Scripts name each other, and their styles, by addresses that begin with a dot.
        for name in re.findall(r'"(\.[^"]+\.(?:js|css))"', script.read_text(encoding="utf-8")):
            path = (script.parent / name).resolve()
            if path not in fetched:
                fetched.add(path)
                waiting.append(path)
    assert {"gradio.js", "explorer.js", "trust.js", "base.css"} <= {path.name for path in fetched}
    assert {path for path in data_files(app) if components in path.parents} == fetched


def test_every_import_of_the_app_is_in_the_requirements(app):
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = requirements(third_party(app) - {"spaces"})
    assert set(found.values()) <= set(lines)
    assert {"torch", "gradio", "numpy", "pillow", "scikit-learn", "huggingface-hub"} <= found.keys()
    assert not {"accelerate", "tyro", "grad-cam"} & found.keys()


@pytest.fixture
def listed(tmp_path):
    """A function that writes a requirements file."""

    def write(*lines):
        path = tmp_path / "requirements.txt"
        path.write_text("\n".join(["# what it needs", "", "-r others.txt", *lines]))
        return path

    return write


def test_a_requirement_is_found_by_what_it_is_imported_as(listed):
    path = listed("Scikit_Learn>=1.6,<2", "numpy", "pillow[xmp] >= 12")
    found = requirements(["PIL", "sklearn"], path)
    assert found == {"scikit-learn": "Scikit_Learn>=1.6,<2", "pillow": "pillow[xmp] >= 12"}


def test_what_another_requirement_brings_needs_no_line(listed):
    assert requirements(["gradio", "gradio_client"], listed("gradio>=6")) == {"gradio": "gradio>=6"}


def test_what_no_line_brings_is_named(listed):
    with pytest.raises(LensError, match=r"requirements\.txt does not name gradio-client, "):
        requirements(["gradio_client", "numpy"], listed("gradio>=6", "numpy"))
    with pytest.raises(LensError, match="nothing_of_that_name is imported but not installed"):
        requirements(["nothing_of_that_name"], listed("numpy"))


def test_a_pin_is_what_is_installed_without_its_build(monkeypatch):
    installed = {"gradio": "6.31.0", "torch": "2.14.1+cpu", "numpy": "2.4.6"}
    monkeypatch.setattr(needed, "version", installed.get)
    lines = {"torch": "torch>=2.9,<3", "gradio": "gradio[mcp]>=6.31,<7", "numpy": "numpy"}
    assert pinned(lines) == ["torch==2.14.1", "gradio[mcp]==6.31.0", "numpy==2.4.6"]
    assert pinned(lines, {"torch": "2.11.0"})[0] == "torch==2.11.0"
