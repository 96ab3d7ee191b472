"""The folder of a Space, and the files of this repository, start alone and answer."""

import base64
import subprocess

import numpy as np
import pytest

from cifar import ASSETS
from cifar.data.pictures import open_image, see
from cifar.evaluation.classifier import classify
from cifar.explore import page_data, store
from cifar.publish.space import build
from tests import serving

ROOT = ASSETS.parent


def tracked(folder):
    """Copy what git tracks, as `hf upload` of a clone would."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: git does not know which files belong to it")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.parametrize("files", ["deployed", "tracked"])
def test_it_starts_from_its_files_alone_and_answers(files, tmp_path):
    folder, run = tmp_path / "space", tmp_path / "run"
    folder.mkdir()
    run.mkdir()
    build(folder, "me/lens") if files == "deployed" else tracked(folder)
    before = content(folder)
    with serving.start(run, folder / "app.py") as server:
        ask = serving.asking(server, server.http, "classify")
        explore = serving.asking(server, server.http, "explorer")
        path = server.upload("bus.png", serving.photo("bus.png").read_bytes())
        seen = ask("see", {"path": path, "fit": "crop"})
        wanted = see(open_image(serving.photo("bus.png")))
        assert base64.b64decode(seen["pixels"]) == wanted.views.tobytes()
        image = {"pixels": seen["pixels"], "kind": seen["kind"]}
        found = ask("look", {"model": "resnet", "image": image})
        wanted = classify(store.load("resnet"), wanted).probabilities
        np.testing.assert_allclose(found["probabilities"], wanted, atol=1e-4)
        for question, content_of in (
            ({"kind": "sheet", "name": 0}, page_data.sheet(0)),
            ({"kind": "pack", "name": "published"}, page_data.pack("published")),
            (
                {"kind": "neighbors", "name": "resnet", "number": 0},
                page_data.neighbor_sheet("resnet", 0),
            ),
        ):
            made = server.home / "made" / explore("asset", question)["file"]
            assert made.read_bytes() == content_of, question
        assert server.log.strip().endswith(f"CIFAR Lens: {server.url}/")
        assert server.hosts == set()
    assert content(folder) == before
