"""Work for a borrowed GPU; ZeroGPU's own client stands in for one."""

import json
import os
import pickle
import subprocess
import sys

import gradio as gr
import numpy as np
import pytest

from cifar import ASSETS
from cifar.explain.faithfulness import faithfulness
from cifar.explain.heat_maps import heat_maps
from cifar.explore import store
from cifar.explore.page_data import pixels_of
from cifar.ui import evidence, gpu

MODEL = "basenet"


def test_without_zerogpu_it_is_a_plain_call():
    ckpt = store.load(MODEL)
    assert not gpu.ZERO and not hasattr(gpu, "borrow")
    assert gpu.compute(lambda *given: given, ckpt, 1, "two") == (ckpt, 1, "two")


def test_all_that_is_computed_there_can_go_to_another_process_and_back(monkeypatch):
    sent = []

    def compute(function, ckpt, *args):
        function, args = pickle.loads(pickle.dumps((function, args)))
        sent.append(function)
        return pickle.loads(pickle.dumps(function(ckpt, *args)))

    monkeypatch.setattr(gpu, "compute", compute)
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    question = {"model": MODEL, "image": {"pixels": pixels_of(image)}, "target": 3}
    found = evidence.trust(question)
    assert found["sentence"] and len(found["deletion"]) == 6
    assert evidence.look(question | {"method": "scorecam"})["method"] == "scorecam"
    assert len(evidence.probes(question)["probes"]) == 11
    assert sent == [faithfulness, heat_maps, evidence._run_probes]
    evidence.look(question)
    assert len(sent) == 3  # a single answer is not worth it


def test_the_bundle_borrows_too(monkeypatch):
    sent = []
    monkeypatch.setattr(
        gpu, "compute", lambda function, *args: (sent.append(function), function(*args))[1]
    )
    image = np.zeros((32, 32, 3), np.uint8)
    question = {"model": MODEL, "image": {"pixels": pixels_of(image)}, "classes": [3, 5]}
    assert evidence.bundle(question)["name"] == "cifar-lens-picture-basenet.zip"
    assert sent == [faithfulness, faithfulness]


EMULATED = """
import json
import numpy as np
import spaces  # which from here on plays CUDA, and minds on which device each tensor is
from cifar.explain.faithfulness import faithfulness
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS
from cifar.explore import store
from cifar.ui import evidence, gpu

image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
pair = gpu.ON_GPU["basenet"], store.load("basenet")
assert [next(ckpt.model.parameters()).device.type for ckpt in pair] == ["cuda", "cpu"]
heat = heat_maps(pair[1], image, [3])[0]
work = {method: lambda ckpt, method=method: heat_maps(ckpt, image, [3, 5], method)[0].values
        for method, found in METHODS.items() if found.slow}
work["trust"] = lambda ckpt: faithfulness(ckpt, image, heat).deletion
work["probes"] = lambda ckpt: evidence._run_probes(ckpt, image)["probes"][0]["probabilities"]
print(json.dumps({name: float(np.abs(np.subtract(*map(find, pair))).max())
                  for name, find in work.items()}))
"""


@pytest.mark.slow
def test_what_goes_to_a_gpu_keeps_to_its_device(tmp_path):
    env = {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": "http://127.0.0.1:1",
        "ZEROGPU_OFFLOAD_DIR": str(tmp_path),
        "PYTHONPATH": str(ASSETS.parent),
    }
    command = [sys.executable, "-c", EMULATED]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"ablationcam", "scorecam", "occlusion", "trust", "probes"}
    assert max(found.values()) < 1e-4


# When the GPU is not lent, and when what was to be computed fails


@pytest.fixture
def lent(monkeypatch):
    """A function that computes through a GPU whose client raises an error."""

    def compute(error, function=lambda ckpt: "on the CPU"):
        def borrow(*_):
            raise error

        monkeypatch.setattr(gpu, "ZERO", True)
        monkeypatch.setattr(gpu, "gr", gr, raising=False)
        monkeypatch.setattr(gpu, "borrow", borrow, raising=False)
        return gpu.compute(function, store.load(MODEL))

    return compute


@pytest.mark.parametrize(
    "error",
    [
        gr.Error("You have exceeded your quota", title="ZeroGPU quota exceeded"),
        gr.Error("No GPU was available after 60s", title="ZeroGPU queue timeout"),
        gr.Error("GPU task aborted", title="ZeroGPU worker error"),
        RuntimeError("ZeroGPU API /schedule error: 500 (Internal Server Error)"),
        RuntimeError("Connection closed by visitor while queueing"),
    ],
)
def test_the_cpu_computes_if_no_gpu_is_lent(lent, error, caplog):
    assert lent(error) == "on the CPU"
    assert "Computed without a GPU" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        gr.Error("ValueError", title="ZeroGPU worker error"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("a bug"),
    ],
)
def test_what_fails_on_the_gpu_is_not_tried_again(lent, error):
    with pytest.raises(type(error)) as caught:
        lent(error)
    assert caught.value is error
