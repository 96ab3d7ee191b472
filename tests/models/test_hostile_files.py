"""Files that this project wrote and somebody or something altered: refused in a sentence, or made
anew; nothing in them is ever run. What `tests/test_checkpoint.py`, `test_evaluate.py`,
`test_others.py` and `test_data.py` try already is not tried here again."""

import io
import json
import pickle
import random
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar import LensError, files
from cifar.data import cifar10
from cifar.data.image_table import DataError, ImageTable
from cifar.evaluation.predictions import Predictions, load_predictions, save_predictions
from cifar.models import checkpoint
from cifar.models.errors import CheckpointError
from tests.models.test_checkpoint import CreatesAFile, edit_config, edit_weights

DEEP = '{"a":' * 50_000 + "1" + "}" * 50_000


def refusal(call, *arguments) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(LensError) as caught:
        call(*arguments)
    said = str(caught.value)
    assert said.endswith(".") and "\n" not in said and len(said) < 1000, said
    return said


# Checkpoints: config.json


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", {"airplane": 0}),
        ("mean", [1e300] * 10_000),
        ("input_size", float("nan")),
        ("recipe", None),
        ("parameters", 1),
    ],
)
def test_a_config_of_another_kind_is_named(make_checkpoint, key, value):
    folder = make_checkpoint()
    edit_config(folder, **{key: value})
    assert f"config.json: {key} is " in refusal(checkpoint.load, folder)


@pytest.mark.parametrize("name", ["config.json", "metrics.json"])
@pytest.mark.parametrize(
    "content",
    [DEEP, '{"format_version": ' + "9" * 5000 + "}", "\0" * 99],
    ids=["deep", "a huge number", "zeros"],
)
def test_json_that_breaks_its_reader_is_named(make_checkpoint, name, content):
    folder = make_checkpoint()
    (folder / name).write_text(content)
    assert name in refusal(checkpoint.load, folder)


@pytest.mark.parametrize("content", [DEEP, '{"epoch": 1}\n[]\n'])
def test_a_history_of_another_kind_is_named(make_checkpoint, content):
    path = make_checkpoint() / "history.jsonl"
    path.write_text(content)
    assert "history.jsonl" in refusal(files.read_json_lines, path)


@pytest.mark.parametrize("value", ["2", 0, True, float("nan")])
def test_a_temperature_that_is_none_is_named(make_checkpoint, value):
    folder = make_checkpoint()
    metrics = {"weights_sha256": checkpoint.load(folder).sha256, "temperature": value}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert "temperature is " in refusal(checkpoint.load, folder)


@pytest.mark.parametrize("test", [[], {"accuracy": {"value": "94%"}}])
def test_metrics_without_a_test_accuracy_are_named(make_checkpoint, metrics_of, test):
    folder = make_checkpoint()
    metrics = metrics_of(checkpoint.load(folder).sha256, test=test)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    found = checkpoint.load(folder)
    assert re.search(r"metrics\.json(: test|.* has no test)", refusal(lambda: found.accuracy))


# Checkpoints: model.safetensors


def test_names_of_tensors_are_shown_so_that_they_can_be_read(make_checkpoint):
    folder = make_checkpoint()
    odd = {f"{k}\n{'x' * 10_000}": torch.zeros(1) for k in range(100)}
    edit_weights(folder, lambda tensors: tensors.update(odd))
    assert "and 95 more." in refusal(checkpoint.load, folder)


@pytest.mark.parametrize(
    "dtype",
    [torch.bfloat16, torch.complex64],
    ids=str,
)
def test_weights_of_another_type_are_named(make_checkpoint, dtype):
    folder = make_checkpoint()
    edit_weights(folder, lambda t: t.update({"head.bias": t["head.bias"].to(dtype)}))
    assert f"head.bias is {dtype}, not torch.float32" in refusal(checkpoint.load, folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [("prep.conv.weight", float("nan")), ("prep.norm.norm.running_var", -float("inf"))],
)
def test_weights_that_are_no_numbers_are_named(make_checkpoint, name, value):
    folder = make_checkpoint()
    edit_weights(folder, lambda t: t[name].view(-1)[:1].fill_(value))
    assert f"{name} holds NaN or infinity" in refusal(checkpoint.load, folder)


def header(size: int, content: bytes = b"{}", after: bytes = b"") -> bytes:
    return struct.pack("<Q", size) + content + after


def one_tensor(dtype: str, shape: list[int], offsets: list[int], size: int = 40) -> bytes:
    content = {"head.bias": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}
    text = json.dumps(content).encode()
    return header(len(text), text, bytes(size))


@pytest.mark.parametrize(
    "content",
    [
        header(2**63),
        header(99_000_000),
        header(9, b"not JSON!"),
        header(20_000, b'{"a":' + b"[" * 19_995),
        one_tensor("F32", [2**62, 4], [0, 0], 0),
        one_tensor("F32", [10], [40, 0]),
        one_tensor("F7", [10], [0, 40]),
    ],
    ids=range(7),
)
def test_a_header_that_lies_is_refused(make_checkpoint, content):
    folder = make_checkpoint()
    (folder / "model.safetensors").write_bytes(content)
    assert "model.safetensors" in refusal(checkpoint.load, folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.safetensors", "model.safetensors cannot be read"),
        ("config.json", "There is no checkpoint '"),
    ],
)
def test_a_folder_or_a_device_in_place_of_a_file_is_refused(make_checkpoint, name, said):
    path = make_checkpoint() / name
    path.unlink()
    path.mkdir()
    assert said in refusal(checkpoint.load, path.parent)
    path.rmdir()
    path.symlink_to("/dev/null")
    assert said in refusal(checkpoint.load, path.parent)


def test_whatever_is_altered_in_a_checkpoint_is_read_or_refused(make_checkpoint):
    """No other error comes out, wherever the bytes of its files are changed."""
    folder, rng = make_checkpoint(), random.Random(0)
    sha256 = checkpoint.load(folder).sha256
    metrics = {"weights_sha256": sha256, "temperature": 1.5}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    refused = 0
    for name in ("config.json", "metrics.json", "model.safetensors"):
        path = folder / name
        sound = path.read_bytes()
        end = min(len(sound), 4000)  # of the weights, the header
        for _ in range(40):
            changed = bytearray(sound)
            for _ in range(rng.choice([1, 2, 8])):
                changed[rng.randrange(end)] = rng.randrange(256)
            path.write_bytes(changed)
            try:
                checkpoint.load(folder)
            except CheckpointError:
                refused += 1
        path.write_bytes(sound)
    assert refused > 60


# predictions.npz


@pytest.fixture
def recorded(make_checkpoint):
    """A checkpoint with predictions of 40 images that nothing made."""
    ckpt = checkpoint.load(make_checkpoint())
    logits = np.random.default_rng(0).normal(size=(40, 10)).astype(np.float32)
    predictions = Predictions(logits, np.arange(40) % 10, None, True, ckpt.sha256)
    save_predictions(ckpt.path / "predictions.npz", predictions)
    return ckpt


def member(name: str, content: bytes, path: Path) -> None:
    """Put other bytes in the place of an array."""
    with zipfile.ZipFile(path) as archive:
        found = {item: archive.read(item) for item in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for item, sound in (found | {f"{name}.npy": content}).items():
            archive.writestr(item, sound)


def array(text: str) -> bytes:
    """A header of NumPy's without what it promises."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def saved(value: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value, allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        array("(" * 8000),
        array("{'descr': '<f4', 'x\n "),
        array("{'descr': '<f4', 'fortran_order': False, 'shape': (9000000000, 10)}\n"),
        array("{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 10)}\n"),
        array("{'descr': 'O', 'fortran_order': False, 'shape': (40, 10)}\n"),
        array("__import__('os').abort()\n"),
        saved(np.zeros((40, 10), np.float32).view([("a", "f4")])),
        saved(np.full((40, 10), "1.0")),
        saved(np.float32(1)),
    ],
    ids=range(11),
)
def test_a_member_that_is_no_such_array_is_refused(recorded, content):
    path = recorded.path / "predictions.npz"
    sound = path.read_bytes()
    for name in ("logits", "labels", "official", "weights_sha256"):
        member(name, content, path)
        assert "predictions.npz" in refusal(load_predictions, recorded)
        path.write_bytes(sound)


def test_pickled_objects_in_predictions_are_refused_and_never_run(recorded, tmp_path):
    path, created = recorded.path / "predictions.npz", tmp_path / "created"
    objects = saved(np.array([CreatesAFile(created)], dtype=object))
    np.load(io.BytesIO(objects), allow_pickle=True)
    assert created.exists()  # that is what would happen
    created.unlink()
    for name in ("logits", "labels", "features", "official", "weights_sha256"):
        sound = path.read_bytes()
        member(name, objects, path)
        assert "predictions.npz" in refusal(load_predictions, recorded)
        path.write_bytes(sound)
    for content in (objects, pickle.dumps(CreatesAFile(created))):
        path.write_bytes(content)
        assert "predictions.npz cannot be read" in refusal(load_predictions, recorded)
    assert not created.exists()


def test_a_small_archive_of_large_arrays_is_not_unpacked(recorded):
    path = recorded.path / "predictions.npz"
    member("other", bytes(205_000_000), path)
    assert path.stat().st_size < 300_000
    assert "it holds 205 MB, and at most 200 can be" in refusal(load_predictions, recorded)


@pytest.mark.parametrize(
    ("local", "central", "value"),
    [(6, 8, 1), (8, 10, 99)],
    ids=["encrypted", "compressed in a way that nobody knows"],
)
def test_an_archive_that_cannot_be_unpacked_is_refused(recorded, local, central, value):
    path = recorded.path / "predictions.npz"
    content = bytearray(path.read_bytes())
    content[local] = content[content.index(b"PK\1\2") + central] = value
    path.write_bytes(content)
    assert f"run `python -m cifar evaluate {recorded.path}`" in refusal(load_predictions, recorded)


def test_whatever_is_altered_in_predictions_is_read_or_refused(recorded):
    """No other error comes out, wherever bytes are changed."""
    path, rng, refused = recorded.path / "predictions.npz", random.Random(0), 0
    sound = path.read_bytes()
    for _ in range(150):
        changed = bytearray(sound)
        for _ in range(rng.choice([1, 2, 8])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        path.write_bytes(changed)
        try:
            load_predictions(recorded)
        except CheckpointError:
            refused += 1
    assert refused > 75


# Two networks


def test_files_of_two_networks_that_were_exchanged_are_refused(make_checkpoint, recorded):
    other = checkpoint.load(make_checkpoint("resnet", name="other"))
    content = (recorded.path / "predictions.npz").read_bytes()
    (other.path / "predictions.npz").write_bytes(content)
    assert "was made by other weights" in refusal(load_predictions, other)
    metrics = {"weights_sha256": recorded.sha256, "temperature": 2.0}
    (other.path / "metrics.json").write_text(json.dumps(metrics))
    assert "measured on other weights" in refusal(checkpoint.load, other.path)
    for name in ("config.json", "model.safetensors"):
        folder = make_checkpoint("resnet", name=f"mixed-{name}")
        (folder / name).write_bytes((recorded.path / name).read_bytes())
        assert "model.safetensors" in refusal(checkpoint.load, folder)


# The dataset


def test_wherever_the_cache_is_altered_it_is_found_out(tiny_release):
    """In every fifth byte of its header and its facts, and in some of its pixels."""
    tiny_release.write()
    cifar10.load("train")
    for name in ("train.npy", "train.json"):
        path, rng = cifar10.cache_dir() / name, random.Random(0)
        sound = path.read_bytes()
        places = [
            *range(0, min(len(sound), 250), 5),
            *(rng.randrange(len(sound)) for _ in "x" * 20),
        ]
        for at in places:
            for value in {sound[at] ^ 1, sound[at] ^ 128} - {sound[at]}:
                path.write_bytes(sound[:at] + bytes([value]) + sound[at + 1 :])
                found = cifar10._read_cache()
                # What only separates the words of a header may well be something else.
                assert found is None or np.array_equal(found[0], tiny_release.rows)
        path.write_bytes(sound)


@pytest.mark.parametrize(
    "content",
    [
        DEEP.encode(),
        array("(" * 8000),
        array("{'descr': '|u1', 'fortran_order': False, 'shape': (9000000000000, 3073)}\n"),
        saved(np.array([{"a": 1}], dtype=object)),
        b"null",
    ],
    ids=range(5),
)
def test_a_file_of_another_kind_in_the_cache_is_made_anew(tiny_release, content):
    tiny_release.write()
    cifar10.load("train")
    for name in ("train.npy", "train.json"):
        path = cifar10.cache_dir() / name
        sound = path.read_bytes()
        path.write_bytes(content)
        assert cifar10.load("train").official and path.read_bytes() == sound


def test_a_pickle_in_the_cache_is_never_run(tiny_release, tmp_path):
    tiny_release.write()
    cifar10.load("train")
    created = tmp_path / "created"
    objects = saved(np.array([CreatesAFile(created)], dtype=object))
    (cifar10.cache_dir() / "train.npy").write_bytes(objects)
    assert cifar10.load("train").official and not created.exists()


def test_whatever_is_altered_in_a_table_of_images_is_read_or_refused(tiny_release):
    tiny_release.write()
    sound, rng, refused = tiny_release.path.read_bytes(), random.Random(0), 0
    for k in range(60):
        changed = bytearray(sound)
        # Half of them in what says where everything is, which is at the end.
        start = len(changed) - 1500 if k % 2 else 0
        for _ in range(rng.choice([1, 2, 8])):
            changed[rng.randrange(start, len(changed))] = rng.randrange(256)
        tiny_release.path.write_bytes(changed)
        try:
            ImageTable(tiny_release.path).decode()
        except DataError:
            refused += 1
    assert refused > 30
