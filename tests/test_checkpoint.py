import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cifar import CLASSES, checkpoint
from cifar.checkpoint import CheckpointError


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


class CreatesAFile:
    """Unpickling one creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("network", ["resnet", "basenet"])
def test_a_checkpoint_comes_back_as_it_was_saved(make_checkpoint, stirred_model, network):
    saved, loaded = stirred_model(network, seed=3), checkpoint.load(make_checkpoint(network, 3))
    for name, value in loaded.model.state_dict().items():
        expected = saved.state_dict()[name]
        expected = expected.half().float() if expected.ndim > 1 else expected
        assert torch.equal(value, expected), name
    assert loaded.config["network"] == network and loaded.config["classes"] == list(CLASSES)
    assert loaded.metrics == {} and loaded.temperature == 1.0 and loaded.name == "net"


def test_a_loaded_network_is_float32_in_evaluation_mode_without_gradients(make_checkpoint):
    model = checkpoint.load(make_checkpoint()).model
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())
    assert not any(module.training for module in model.modules())


def test_saving_a_loaded_checkpoint_writes_the_same_weights(make_checkpoint, tmp_path):
    first = checkpoint.load(make_checkpoint())
    checkpoint.save(
        tmp_path / "again", first.model, network="basenet", recipe={}, training={}, history=[]
    )
    assert checkpoint.load(tmp_path / "again").sha256 == first.sha256


def test_filters_are_stored_in_half_precision_and_batch_norm_in_full(make_checkpoint):
    tensors = load_file(make_checkpoint() / "model.safetensors")
    assert tensors["prep.conv.weight"].dtype == torch.float16
    assert tensors["prep.norm.running_var"].dtype == torch.float32


def test_a_checkpoint_has_three_files_and_no_leftovers(make_checkpoint):
    folder = make_checkpoint()
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["config.json", "history.jsonl", "model.safetensors"]
    assert (folder / "history.jsonl").read_text() == '{"epoch": 1}\n{"epoch": 2}\n'


def test_a_missing_tensor_is_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.pop("stage1.norm1.bias"))
    with pytest.raises(CheckpointError, match=r"lacks stage1\.norm1\.bias\."):
        checkpoint.load(folder)


def test_an_extra_tensor_is_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.update(extra=torch.zeros(1)))
    with pytest.raises(CheckpointError, match=r"has unknown extra\."):
        checkpoint.load(folder)


def test_a_wrong_shape_is_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.update({"head.bias": torch.zeros(11)}))
    with pytest.raises(CheckpointError, match=r"head\.bias has shape \(11,\) instead of \(10,\)"):
        checkpoint.load(folder)


def test_integers_in_place_of_weights_are_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.update({"head.bias": torch.zeros(10).long()}))
    with pytest.raises(CheckpointError, match=r"head\.bias is torch\.int64, not torch\.float32"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format_version", 2),
        ("format_version", None),
        ("classes", list(CLASSES[::-1])),
        ("classes", list(CLASSES[:9])),
        ("mean", [0.5, 0.5, 0.5]),
        ("std", [0.25, 0.25, 0.25]),
        ("input_size", 64),
    ],
)
def test_a_wrong_config_is_named(make_checkpoint, key, value):
    folder = make_checkpoint()
    edit_config(folder, **{key: value})
    with pytest.raises(CheckpointError, match=f"config.json: {key} is .* instead of "):
        checkpoint.load(folder)


@pytest.mark.parametrize("network", ["vgg", None, ["resnet"]])
def test_an_unknown_network_is_named(make_checkpoint, network):
    folder = make_checkpoint()
    edit_config(folder, network=network)
    with pytest.raises(CheckpointError, match=r"config\.json: .*choose resnet or basenet"):
        checkpoint.load(folder)


def test_weights_of_the_other_network_are_refused(make_checkpoint):
    folder = make_checkpoint("basenet")
    edit_config(folder, network="resnet")
    with pytest.raises(CheckpointError, match=r"model\.safetensors lacks "):
        checkpoint.load(folder)


@pytest.mark.parametrize("kept", [0, 4, 500, -1])
def test_truncated_weights_are_refused(make_checkpoint, kept):
    path = make_checkpoint() / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(path.parent)


def test_a_pickle_is_refused_and_never_run(make_checkpoint, tmp_path):
    path, created = make_checkpoint() / "model.safetensors", tmp_path / "created"
    content = pickle.dumps(CreatesAFile(created))
    pickle.loads(content)
    assert created.exists()  # that is what would happen
    created.unlink()
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(path.parent)
    torch.save({"a": CreatesAFile(created)}, path)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(path.parent)
    assert not created.exists()


def test_missing_weights_are_named(make_checkpoint):
    folder = make_checkpoint()
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(folder)


@pytest.mark.parametrize("name", ["config.json", "metrics.json"])
@pytest.mark.parametrize("content", [b"", b'{"format_version": 1,', b"\xff\xfe", b"[]", b"3"])
def test_broken_json_is_named(make_checkpoint, name, content):
    folder = make_checkpoint()
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        checkpoint.load(folder)


def test_metrics_of_other_weights_are_refused(make_checkpoint):
    folder = make_checkpoint()
    (folder / "metrics.json").write_text('{"weights_sha256": "0", "temperature": 2.0}')
    with pytest.raises(CheckpointError, match=r"metrics\.json was measured on other weights"):
        checkpoint.load(folder)
    assert checkpoint.load(folder, measured=False).metrics == {}


def test_metrics_of_these_weights_give_the_temperature(make_checkpoint):
    folder = make_checkpoint()
    sha256 = checkpoint.load(folder).sha256
    metrics = {"weights_sha256": sha256, "temperature": 2.0}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert checkpoint.load(folder).temperature == 2.0


def test_an_unknown_name_lists_the_known(make_checkpoint, monkeypatch):
    folder = make_checkpoint(name="b")
    make_checkpoint(name="a")
    monkeypatch.setattr(checkpoint, "ROOT", folder.parent)
    assert checkpoint.available() == ["a", "b"]
    with pytest.raises(CheckpointError, match=r"no checkpoint 'c' \(in this project: a, b\)"):
        checkpoint.load("c")


def test_a_checkpoint_is_found_by_name_or_path(make_checkpoint, monkeypatch):
    folder = make_checkpoint()
    assert checkpoint.find(folder) == checkpoint.find(str(folder)) == folder
    monkeypatch.setattr(checkpoint, "ROOT", folder.parent)
    assert checkpoint.find("net") == folder


def test_without_checkpoints_the_message_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "ROOT", tmp_path)
    with pytest.raises(CheckpointError, match="none yet"):
        checkpoint.find("resnet")


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    checkpoint.write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        checkpoint.write_json(path, {"new": object()})

    def half(partial):
        partial.write_text('{"ne')
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        checkpoint.replace(path, half)
    assert checkpoint.read_json(path) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_the_history_has_a_dict_an_epoch(make_checkpoint):
    ckpt = checkpoint.load(make_checkpoint())
    assert checkpoint.read_lines(ckpt.path / "history.jsonl") == [{"epoch": 1}, {"epoch": 2}]


@pytest.mark.parametrize("content", [b"", b'{"epoch": 1}\n{"ep', b"\xff\xfe"])
def test_a_broken_history_is_named(make_checkpoint, content):
    ckpt = checkpoint.load(make_checkpoint())
    (ckpt.path / "history.jsonl").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"history\.jsonl"):
        checkpoint.read_lines(ckpt.path / "history.jsonl")
