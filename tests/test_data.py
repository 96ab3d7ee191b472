import hashlib
import io
import time

import httpx
import huggingface_hub.constants
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image

from cifar import data
from cifar.data import DataError


@pytest.fixture(scope="module")
def train_and_val():
    return data.load("train"), data.load("val")


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def blocks_of(rows, size):
    return [
        hashlib.md5(rows[i : i + size].tobytes()).hexdigest() for i in range(0, len(rows), size)
    ]


class Release:
    """A tiny dataset: 2 blocks of 10 rows as `train`, 1 block as `test`, in one parquet file."""

    def __init__(self, path):
        rng = np.random.default_rng(0)
        self.path = path
        self.pixels = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
        self.labels = list(rng.integers(0, 10, 20))
        self.pngs = [png(image) for image in self.pixels]

    @property
    def rows(self):
        """uint8 (20, 3073) as in the binary release: the label, then all red, green, blue."""
        planes = self.pixels.transpose(0, 3, 1, 2).reshape(20, 3072)
        return np.concatenate([np.uint8(self.labels)[:, None], planes], axis=1)

    def write(self, order=range(10)):
        images = [{"bytes": self.pngs[i], "path": None} for i in order]
        struct = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        table = pyarrow.table(
            {
                "img": pyarrow.array(images, struct),
                "label": pyarrow.array([self.labels[i] for i in order], pyarrow.int64()),
            }
        )
        pyarrow.parquet.write_table(table, self.path)


@pytest.fixture
def release(tmp_path, monkeypatch):
    """A tiny dataset that `load` takes for the official one, once it is written."""
    made = Release(tmp_path / "release.parquet")
    md5 = blocks_of(made.rows, 10)
    monkeypatch.setattr(data, "BLOCK", 10)
    monkeypatch.setattr(data, "OFFICIAL_MD5", {"train": tuple(md5), "test": (md5[0],)})
    monkeypatch.setattr(data, "download", lambda file: made.path)
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "cache"))
    return made


def cache_files(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_every_split_is_official(train_and_val, test_split):
    train, val = train_and_val
    assert (len(train), len(val), len(test_split)) == (48_000, 2_000, 10_000)
    assert train.official is val.official is test_split.official is True
    assert (train.name, val.name, test_split.name) == ("train", "val", "test")


def test_images_are_uint8_and_labels_int64(train_and_val, test_split):
    for split in (*train_and_val, test_split):
        assert split.images.shape == (len(split), 3, 32, 32)
        assert split.images.dtype == torch.uint8
        assert split.labels.shape == split.indices.shape == (len(split),)
        assert split.labels.dtype == split.indices.dtype == torch.int64


def test_the_test_rows_have_the_published_md5(test_split):
    planes = test_split.images.numpy().reshape(-1, 3072)
    rows = np.concatenate([np.uint8(test_split.labels)[:, None], planes], axis=1)
    assert hashlib.md5(rows.tobytes()).hexdigest() == "803d5f7f4d78ea53de84dbe85f74fb6d"


def test_labels_begin_in_official_order(train_and_val, test_split):
    train, val = train_and_val
    labels = torch.full((50_000,), -1)
    labels[train.indices], labels[val.indices] = train.labels, val.labels
    assert labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert test_split.labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert torch.equal(test_split.indices, torch.arange(10_000))


def test_val_is_stratified_and_disjoint_from_train(train_and_val):
    train, val = train_and_val
    assert val.labels.bincount().tolist() == [200] * 10
    assert train.labels.bincount().tolist() == [4800] * 10
    everything = torch.cat([train.indices, val.indices]).sort().values
    assert torch.equal(everything, torch.arange(50_000))


def test_val_is_the_same_at_every_call(train_and_val):
    again = data.load("val")
    assert torch.equal(again.indices, train_and_val[1].indices)
    assert torch.equal(again.images, train_and_val[1].images)


def test_val_does_not_move_the_global_random_numbers():
    before = torch.random.get_rng_state()
    data.val_mask(torch.arange(10).repeat(300))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_second_load_takes_less_than_a_second(split):
    data.load(split)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        data.load(split)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 1


def test_writing_into_a_split_leaves_the_cache_alone(release):
    release.write()
    data.load("test").images.fill_(0)
    mapped = data.load("test")
    mapped.images.fill_(7)
    assert np.array_equal(data.load("test").images, release.pixels[:10].transpose(0, 3, 1, 2))


def test_an_unknown_split_raises():
    with pytest.raises(DataError, match="no split 'dev': choose train, val or test"):
        data.load("dev")


def test_the_real_test_file_is_decoded_anew_after_damage(tmp_path, monkeypatch, test_split):
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path))
    rows_path = data.cache_dir() / "test.npy"
    rows_path.parent.mkdir(parents=True)
    rows_path.write_bytes(b"half-written")
    built = data.load("test")
    assert built.official and torch.equal(built.images, test_split.images)
    assert torch.equal(built.labels, test_split.labels)
    assert sorted(path.name for path in rows_path.parent.iterdir()) == ["test.json", "test.npy"]


def test_pixels_and_labels_are_those_of_the_file(release):
    release.write()
    for split in (data.load("test"), data.load("test")):  # decoded, then mapped
        assert np.array_equal(split.images, release.pixels[:10].transpose(0, 3, 1, 2))
        assert split.labels.tolist() == release.labels[:10]
        assert split.official is True


def test_only_two_files_are_left_in_the_cache(release, tmp_path):
    release.write()
    data.load("test")
    assert cache_files(tmp_path) == ["test.json", "test.npy"]


def truncated(to):
    return lambda content: content[:to]


def altered(at):
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("name", ["test.npy", "test.json"])
@pytest.mark.parametrize(
    "damage",
    [truncated(0), truncated(3), truncated(60), truncated(-1), altered(-9), lambda _: b"{}" * 40],
    ids=["empty", "3 bytes", "60 bytes", "one byte short", "one bit changed", "something else"],
)
def test_a_damaged_cache_is_built_anew(release, tmp_path, name, damage):
    release.write()
    data.load("test")
    path = data.cache_dir() / name
    sound = path.read_bytes()
    path.write_bytes(damage(sound))
    split = data.load("test")
    assert split.official and path.read_bytes() == sound
    assert np.array_equal(split.images, release.pixels[:10].transpose(0, 3, 1, 2))
    assert cache_files(tmp_path) == ["test.json", "test.npy"]


def test_a_cache_of_another_size_is_built_anew(release):
    release.write()
    data.load("test")
    np.save(data.cache_dir() / "test.npy", release.rows[:9])
    assert len(data.load("test")) == 10


def test_shuffled_blocks_are_put_back_in_order(release):
    release.write([*range(10, 20), *range(10)])
    rows, official = data._build_cache("train")
    assert official and np.array_equal(rows, release.rows)


def test_rows_shuffled_across_blocks_are_not_official(release):
    order = [10, *range(1, 10), 0, *range(11, 20)]
    release.write(order)
    rows, official = data._build_cache("train")
    assert not official and np.array_equal(rows, release.rows[order])


def test_a_changed_pixel_is_not_official(release):
    release.pixels[4, 30, 2, 1] ^= 1
    release.pngs[4] = png(release.pixels[4])
    release.write()
    assert data.load("test").official is False
    assert data.load("test").official is False  # from the cache too


def test_a_changed_label_is_not_official(release):
    release.labels[3] = (release.labels[3] + 1) % 10
    release.write()
    assert data.load("test").official is False


@pytest.mark.parametrize("label", [-1, 10, 255, 256])
def test_a_label_out_of_range_is_named(release, label):
    release.labels[6] = label
    release.write()
    with pytest.raises(DataError, match=rf"row 6: label {label} is not one of 0 to 9\."):
        data.load("test")


def test_a_missing_label_is_an_error(release):
    release.labels[6] = None
    release.write()
    with pytest.raises(DataError, match="row 6"):
        data.load("test")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(np.zeros((32, 31, 3), np.uint8)), "31x32 RGB instead of 32x32 RGB"),
        (png(np.zeros((31, 32, 3), np.uint8)), "32x31 RGB instead of 32x32 RGB"),
        (png(np.zeros((32, 32), np.uint8)), "32x32 L instead of 32x32 RGB"),
        (png(np.zeros((32, 32, 4), np.uint8)), "32x32 RGBA instead of 32x32 RGB"),
        (b"not a picture", "cannot be decoded"),
        (b"", "cannot be decoded"),
        (None, "cannot be decoded"),
        (png(np.zeros((32, 32, 3), np.uint8))[:60], "cannot be decoded"),
    ],
    ids=["31 wide", "31 high", "grey", "alpha", "text", "empty", "none", "truncated"],
)
def test_a_wrong_image_is_named(release, content, message):
    release.pngs[7] = content
    release.write()
    with pytest.raises(DataError, match=rf"row 7: the image .*{message}"):
        data.load("test")


def test_a_jpeg_is_not_a_pixel_for_pixel_copy(release):
    stream = io.BytesIO()
    Image.fromarray(release.pixels[7]).save(stream, "JPEG")
    release.pngs[7] = stream.getvalue()
    release.write()
    with pytest.raises(DataError, match="row 7: the image cannot be decoded"):
        data.load("test")


@pytest.mark.parametrize("count", [0, 9, 11])
def test_a_wrong_number_of_rows_is_named(release, count):
    release.write(range(count))
    with pytest.raises(DataError, match=f"holds {count} images instead of 10"):
        data.load("test")


@pytest.mark.parametrize("keep", [0, 3, 100, -5])
def test_a_truncated_parquet_file_is_an_error(release, keep):
    release.write()
    release.path.write_bytes(release.path.read_bytes()[:keep])
    with pytest.raises(
        DataError, match=r"damaged or not a CIFAR-10 file .*delete it and try again"
    ):
        data.load("test")


@pytest.mark.parametrize(
    "columns",
    [
        {"label": [1] * 10},
        {"img": [{"bytes": b"", "path": ""}] * 10},
        {"img": [b""] * 10, "label": [1] * 10},
        {"img": [{"bytes": b"", "path": ""}] * 10, "label": ["cat"] * 10},
    ],
    ids=["no images", "no labels", "images without bytes", "labels as words"],
)
def test_another_parquet_file_is_an_error(release, columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), release.path)
    with pytest.raises(DataError, match="not a CIFAR-10 file"):
        data.load("test")


def test_nothing_is_cached_after_an_error(release, tmp_path):
    release.labels[6] = 10
    release.write()
    with pytest.raises(DataError):
        data.load("test")
    assert cache_files(tmp_path) == []


def test_a_cache_folder_that_cannot_be_made_is_an_error(release, tmp_path, monkeypatch):
    release.write()
    (tmp_path / "file").touch()
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set CIFAR_CACHE_DIR to a folder that can be written"):
        data.load("test")


def test_a_failed_write_leaves_nothing_behind(release, tmp_path):
    release.write()
    (data.cache_dir() / "test.npy").mkdir(parents=True)  # where no file can be put
    with pytest.raises(DataError, match="could not be written"):
        data.load("test")
    assert cache_files(tmp_path) == []


def test_without_cache_and_network_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"HF_HUB_OFFLINE forbids .*: unset it\. Or set HF_HOME"):
        data.load("test")


def test_a_refusal_of_the_hub_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "cache"))
    request = httpx.Request("HEAD", "https://huggingface.co")
    refusal = HfHubHTTPError("no", response=httpx.Response(401, request=request))

    def refuse(*_, **__):
        raise refusal

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(DataError, match=r"The Hub refuses your token \(401\), .* Or set HF_HOME"):
        data.load("test")


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    revision = "0b2714987fa4"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("CIFAR_CACHE_DIR", raising=False)
    assert data.cache_dir() == tmp_path / "xdg" / "cifar-lens" / revision
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "own"))
    assert data.cache_dir() == tmp_path / "own" / revision
