"""The shipped data is made anew from what others published."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from cifar.data import annotations, cifar10, image_table, near_duplicates, shipped
from cifar.data.annotations import FOLDER


def test_the_test_split_is_written_without_loss(tmp_path, test_split):
    """From PNG, as the Hub has it."""
    pixels = test_split.images.permute(0, 2, 3, 1).numpy()
    shipped.image_table.write(tmp_path / "few.parquet", pixels[:300], test_split.labels[:300])
    few = image_table.ImageTable(tmp_path / "few.parquet")
    assert np.array_equal(few.decode(), pixels[:300])
    assert np.array_equal(few.labels, test_split.labels[:300])


def test_another_release_is_refused(tmp_path, test_split):
    pixels = test_split.images[:20].permute(0, 2, 3, 1).numpy()
    image_table.write(tmp_path / "other.parquet", pixels, test_split.labels[:20])
    with pytest.raises(cifar10.DataError, match="md5 differs"):
        shipped.write_test_split(tmp_path / "other.parquet", tmp_path / "test.parquet")
    assert not (tmp_path / "test.parquet").exists()


def test_annotations_are_made_anew_as_they_ship(tmp_path):
    """From files in the published form, made of those that ship."""
    networks = annotations.load_published_networks()
    with (FOLDER / "sources.csv").open(newline="") as lines:
        published = {row["url"].rpartition("/")[2]: None for row in csv.DictReader(lines)}
    for name in published:
        path = published[name] = tmp_path / name
        if name.endswith("_predictions.json"):
            at = networks.names.index(name.removesuffix("_predictions.json"))
            path.write_text(json.dumps(networks.predictions[at].tolist()))
        elif name == "cifar10h-counts.npy":
            np.save(path, annotations.load_annotations().votes)
        elif name == "cifar10_test_set_pyx.npy":
            np.save(path, annotations.load_published())
        else:
            path.write_bytes((FOLDER / name).read_bytes())
    made = tmp_path / "made"
    made.mkdir()
    shipped.write_annotations(published, made)
    for path in made.iterdir():
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), path.name
    assert len(list(made.iterdir())) == 5


def test_near_duplicates_are_written_with_their_shift(tmp_path, tiny_split, monkeypatch):
    splits = {
        name: tiny_split(40, name, seed) for seed, name in enumerate(("train", "val", "test"))
    }
    for first, name in enumerate(("train", "val")):
        splits[name] = replace(splits[name], indices=torch.arange(first, 80, 2))
    monkeypatch.setattr(cifar10, "load", splits.get)
    train, val, test = splits.values()
    test.images[7] = train.images[5].roll(2, dims=1)  # two pixels down
    test.images[3] = val.images[6]
    (tmp_path / "duplicates_cifar10.csv").write_text(
        "TestID,TrainID,Distance,Judgment\n7,10,0.1,1\n3,13,0.1,1\n"
    )
    shipped.write_near_duplicates(tmp_path)
    monkeypatch.setattr(near_duplicates, "FILE", tmp_path / near_duplicates.FILE.name)
    images, rows = near_duplicates.load()
    assert rows.index.tolist() == [3, 7] and rows["index"].tolist() == [13, 10]
    assert rows["dy"].tolist() == [0, 2] and rows["dx"].tolist() == [0, 0]
    assert rows["held_out"].tolist() == [1, 0]
    assert rows["label"].tolist() == [int(val.labels[6]), int(train.labels[5])]
    assert np.array_equal(images[1], train.images[5].permute(1, 2, 0).numpy())


def test_a_lossless_webp_is_what_is_stored(test_images):
    content = test_images._encoded[0].as_py()
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "WEBP" and np.array_equal(np.asarray(image), test_images[0])
