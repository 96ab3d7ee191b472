"""Work for a borrowed GPU; that it is done on ZeroGPU itself is in tests/publish/test_start.py."""

import pickle

import numpy as np

from cifar import library
from cifar.explain import faithfulness, heat_maps
from cifar.page import pixels_of
from cifar.ui import evidence, gpu

MODEL = "basenet"


def test_without_zerogpu_it_is_a_plain_call():
    ckpt = library.load(MODEL)
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
    assert found["sentence"] and len(found["deletion"]) == 11
    assert evidence.look(question | {"method": "scorecam"})["method"] == "scorecam"
    assert len(evidence.probes(question)["probes"]) == 11
    assert sent == [faithfulness, heat_maps, evidence._probed]
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
