import hashlib
import io
import pickle
import tarfile

import httpx
import huggingface_hub
import huggingface_hub.constants
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image
from torchvision.datasets import CIFAR10

from cifar.data import cifar10, release
from cifar.data.image_table import DataError, ImageTable


def blocks_of(rows, size):
    return [
        hashlib.md5(rows[i : i + size].tobytes()).hexdigest() for i in range(0, len(rows), size)
    ]


def cache_files(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def load_all(**options):
    """All training images and labels in official order, and whether they are official."""
    splits = [cifar10.load(name, **options) for name in ("train", "val")]
    order = torch.cat([split.indices for split in splits]).argsort()
    images = torch.cat([split.images for split in splits])[order]
    labels = torch.cat([split.labels for split in splits])[order]
    return images, labels, splits[0].official


# The real data


def test_the_test_split_that_ships_is_the_official_one(test_split):
    assert test_split.official and test_split.name == "test"
    assert test_split.images.shape == (10_000, 3, 32, 32)
    assert test_split.images.dtype == torch.uint8 and test_split.labels.dtype == torch.int64
    planes = test_split.images.numpy().reshape(-1, 3072)
    rows = np.concatenate([np.uint8(test_split.labels)[:, None], planes], axis=1)
    assert hashlib.md5(rows.tobytes()).hexdigest() == "803d5f7f4d78ea53de84dbe85f74fb6d"
    assert test_split.labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert torch.equal(test_split.indices, torch.arange(10_000))


def test_the_shipped_file_has_the_schema_of_the_hub():
    schema = pyarrow.parquet.read_schema(release.TEST_FILE)
    assert schema.field("img").type == pyarrow.struct(
        [("bytes", pyarrow.binary()), ("path", pyarrow.string())]
    )
    assert schema.field("label").type == pyarrow.int64()
    assert b'"_type": "Image"' in schema.metadata[b"huggingface"]


@pytest.mark.training_split
def test_the_training_split_is_the_official_one():
    train, val = cifar10.load("train"), cifar10.load("val")
    assert (len(train), len(val)) == (48_000, 2_000) and train.official and val.official
    images, labels, _ = load_all()
    assert images.shape == (50_000, 3, 32, 32) and images.dtype == torch.uint8
    assert labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert val.labels.bincount().tolist() == [200] * 10


def test_val_is_stratified_and_the_same_at_every_call():
    labels = torch.arange(10).repeat(5000)
    before = torch.random.get_rng_state()
    held_out = cifar10.val_mask(labels)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert labels[held_out].bincount().tolist() == [200] * 10
    assert torch.equal(held_out, cifar10.val_mask(labels))


def test_an_unknown_split_raises():
    with pytest.raises(DataError, match="no split 'dev': choose train, val or test"):
        cifar10.load("dev")


# The Hub's file and what is kept of it, on a tiny dataset


def test_pixels_and_labels_are_those_of_the_file(tiny_release):
    tiny_release.write()
    for _ in range(2):  # decoded, then mapped
        images, labels, official = load_all()
        assert np.array_equal(images, tiny_release.pixels.transpose(0, 3, 1, 2))
        assert labels.tolist() == tiny_release.labels and official


def test_what_is_kept_is_not_fetched_again(tiny_release, tmp_path, monkeypatch):
    tiny_release.write()
    cifar10.load("train")
    assert cache_files(tmp_path) == ["train.json", "train.npy"]

    def refuse(file):
        raise AssertionError("it was fetched again")

    monkeypatch.setattr(release, "download", refuse)
    load_all()[0].fill_(7)  # writing into a split leaves the cache alone
    assert np.array_equal(load_all()[0], tiny_release.pixels.transpose(0, 3, 1, 2))


def altered(at):
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("name", ["train.npy", "train.json"])
@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:60], altered(-9), lambda _: b"{}" * 40],
    ids=["cut off", "one bit changed", "something else"],
)
def test_a_damaged_cache_is_built_anew(tiny_release, tmp_path, name, damage):
    tiny_release.write()
    cifar10.load("train")
    path = cifar10.cache_dir() / name
    sound = path.read_bytes()
    path.write_bytes(damage(sound))
    images, _, official = load_all()
    assert official and path.read_bytes() == sound
    assert np.array_equal(images, tiny_release.pixels.transpose(0, 3, 1, 2))
    assert cache_files(tmp_path) == ["train.json", "train.npy"]


def test_shuffled_blocks_are_put_back_in_order(tiny_release):
    tiny_release.write([*range(10, 20), *range(10)])
    images, _, official = load_all()
    assert official and np.array_equal(images, tiny_release.pixels.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("what", ["order", "pixel", "label"])
def test_whatever_differs_is_not_official(tiny_release, what):
    order = list(range(20))
    if what == "order":
        order[0], order[10] = 10, 0
    elif what == "pixel":
        tiny_release.pixels[4, 30, 2, 1] ^= 1
    else:
        tiny_release.labels[3] = (tiny_release.labels[3] + 1) % 10
    tiny_release.write(order)
    for _ in range(2):  # from the cache too
        assert load_all()[2] is False


@pytest.mark.parametrize("label", [-1, 256, None])
def test_a_label_out_of_range_is_named(tiny_release, label):
    tiny_release.labels[6] = label
    tiny_release.write()
    with pytest.raises(DataError, match=r"row 6: label -?\d+ is not one of 0 to 9\."):
        cifar10.load("train")


def encoded(pixels, format="PNG"):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (encoded(np.zeros((32, 31, 3), np.uint8)), "31x32 RGB instead of 32x32 RGB"),
        (encoded(np.zeros((32, 32), np.uint8)), "32x32 L instead of 32x32 RGB"),
        (encoded(np.zeros((32, 32, 3), np.uint8))[:60], "cannot be decoded"),
        (encoded(np.zeros((32, 32, 3), np.uint8), "JPEG"), "cannot be decoded"),
        (None, "cannot be decoded"),
    ],
    ids=["31 wide", "grey", "cut off", "JPEG", "none"],
)
def test_a_wrong_image_is_named(tiny_release, content, message):
    tiny_release.write(replaced={7: content})
    with pytest.raises(DataError, match=rf"row 7: the image .*{message}"):
        cifar10.load("train")


@pytest.mark.parametrize("count", [0, 19])
def test_a_wrong_number_of_rows_is_named(tiny_release, tmp_path, count):
    tiny_release.write(range(count))
    with pytest.raises(DataError, match=f"holds {count} images instead of 20"):
        cifar10.load("train")
    assert cache_files(tmp_path) == []  # nothing is kept after an error


def test_another_file_is_an_error(tiny_release):
    tiny_release.write()
    tiny_release.path.write_bytes(tiny_release.path.read_bytes()[:-5])
    with pytest.raises(DataError, match="damaged or not a CIFAR-10 file"):
        ImageTable(tiny_release.path)
    tiny_release.path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(DataError, match="git-lfs"):
        ImageTable(tiny_release.path)
    pyarrow.parquet.write_table(pyarrow.table({"label": [1] * 10}), tiny_release.path)
    with pytest.raises(DataError, match="damaged or not a CIFAR-10 file"):
        ImageTable(tiny_release.path)


def test_a_cache_that_cannot_be_written_is_an_error(tiny_release, tmp_path, monkeypatch):
    tiny_release.write()
    (cifar10.cache_dir() / "train.npy").mkdir(parents=True)  # where no file can be put
    with pytest.raises(DataError, match="set CIFAR_CACHE_DIR to a folder that can be written"):
        cifar10.load("train")
    assert cache_files(tmp_path) == []


def test_without_cache_and_network_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"HF_HUB_OFFLINE forbids .* set CIFAR_DATA"):
        cifar10.load("train")


def test_a_refusal_of_the_hub_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    request = httpx.Request("HEAD", "https://huggingface.co")
    refusal = HfHubHTTPError("no", response=httpx.Response(401, request=request))

    def refuse(*_, **__):
        raise refusal

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(DataError, match=r"The Hub refuses your token \(401\), .* CIFAR_DATA"):
        cifar10.load("train")


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    revision = "0b2714987fa4"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("CIFAR_CACHE_DIR", raising=False)
    assert cifar10.cache_dir() == tmp_path / "xdg" / "cifar-lens" / revision
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "own"))
    assert cifar10.cache_dir() == tmp_path / "own" / revision


# What torchvision left


@pytest.fixture
def left(tiny_release, tmp_path, monkeypatch):
    """The folder that holds cifar-10-batches-py with the tiny dataset, which torchvision takes for
    the official one, and the same as .tar.gz."""
    folder = tmp_path / "left" / CIFAR10.base_folder
    folder.mkdir(parents=True)
    planes = tiny_release.pixels.transpose(0, 3, 1, 2).reshape(20, 3072)
    for name, rows in (("data_batch_1", slice(10)), ("data_batch_2", slice(10, 20))):
        batch = {
            "data": planes[rows],
            "labels": [int(label) for label in tiny_release.labels[rows]],
        }
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    md5 = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    batches = [[name, md5[name]] for name in ("data_batch_1", "data_batch_2")]
    monkeypatch.setattr(CIFAR10, "train_list", batches)
    monkeypatch.setattr(CIFAR10, "test_list", [])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": md5["batches.meta"]})
    archive = tmp_path / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    return folder.parent, archive


def test_what_torchvision_left_is_read(tiny_release, left, tmp_path, monkeypatch):
    folder, archive = left
    for source in (folder, folder / CIFAR10.base_folder, archive):
        images, labels, official = load_all(source=source)
        assert np.array_equal(images, tiny_release.pixels.transpose(0, 3, 1, 2)) and official
        assert labels.tolist() == tiny_release.labels
    monkeypatch.setenv("CIFAR_DATA", str(folder))
    assert np.array_equal(load_all()[0], tiny_release.pixels.transpose(0, 3, 1, 2))
    assert cache_files(tmp_path) == []


def test_what_differs_from_it_is_refused_before_it_is_unpickled(left, tmp_path):
    folder, archive = left

    class CreatesAFile:
        def __reduce__(self):
            return open, (str(tmp_path / "created"), "w")

    (folder / CIFAR10.base_folder / "data_batch_2").write_bytes(pickle.dumps(CreatesAFile()))
    archive.write_bytes(archive.read_bytes() + b"x")
    for source in (folder, archive, tmp_path / "nowhere"):
        with pytest.raises(DataError, match="md5 differs"):
            cifar10.load("train", source)
    assert not (tmp_path / "created").exists()
