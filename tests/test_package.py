"""The installed package works from any folder: unpacked as pip does, without a network."""

import os
import subprocess
import sys
from zipfile import ZipFile

import pytest
from PIL import Image

from cifar import CLASSES, PROJECT


def _name(requirement):
    return requirement.split(">")[0].replace("_", "-")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package as `pip install .` lays it out, without its dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--wheel-dir", folder, PROJECT),
        ],
        check=True,
    )
    (wheel,) = folder.glob("cifar_lens-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def cifar(installed, tmp_path):
    """A function that runs the command from another folder."""

    def run(*arguments):
        command = [sys.executable, "-c", "from cifar.__main__ import main; main()", *arguments]
        environment = os.environ | {"PYTHONPATH": str(installed)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


def test_the_metadata_names_the_command_and_the_requirements(installed):
    (metadata,) = installed.glob("cifar_lens-*.dist-info/METADATA")
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line[:1].isalnum()]
    text = metadata.read_text()
    assert text.count("\nRequires-Dist: ") > len(wanted)
    assert all(f"\nRequires-Dist: {_name(line)}" in text for line in wanted)
    assert "\nProvides-Extra: mcp\n" in text and "\nRequires-Python: >=3.11\n" in text
    (commands,) = installed.glob("cifar_lens-*.dist-info/entry_points.txt")
    assert "cifar = cifar.__main__:main" in commands.read_text()


def test_it_classifies_a_picture(cifar, tmp_path):
    Image.new("RGB", (40, 30), "navy").save(tmp_path / "photo.png")
    done = cifar("predict", "photo.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("photo.png: ") and done.stdout.split()[1] in CLASSES


@pytest.mark.slow
def test_it_holds_all_that_a_space_needs(cifar, tmp_path):
    done = cifar("deploy", "me/lens", "--dry-run", "--out", "space")
    assert done.returncode == 0, done.stderr
    made = {
        path.relative_to(tmp_path / "space").as_posix() for path in (tmp_path / "space").rglob("*")
    }
    assert {"app.py", "cifar/ui/components/gradio.js", "assets/cifar10-test.parquet"} <= made
    assert not any("project" in path for path in made)
