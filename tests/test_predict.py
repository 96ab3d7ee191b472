import csv

import numpy as np
import pytest
from PIL import Image

from cifar import CLASSES, LensError, checkpoint, predict
from cifar.classifier import classify
from cifar.explain import heat_maps, overlay
from cifar.images import network_view, open_image


@pytest.fixture
def ckpt(make_checkpoint):
    return checkpoint.load(make_checkpoint())


@pytest.fixture
def album(tmp_path, tiny_split):
    """A folder with seven pictures in it and below it, a text and a broken picture."""
    images = tiny_split(7).images.permute(0, 2, 3, 1).numpy()
    (tmp_path / "album" / "below").mkdir(parents=True)
    names = ["b.png", "a.PNG", "c.jpg", "d.jpeg", "below/a.png", "below/e.webp", "below/f.bmp"]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).resize((40, 50)).save(tmp_path / "album" / name)
    (tmp_path / "album" / "notes.txt").write_text("no picture")
    (tmp_path / "album" / "below" / "broken.png").write_text("no picture either")
    return tmp_path / "album"


def names(files, folder):
    return [file.relative_to(folder).as_posix() for file in files]


def test_a_folder_stands_for_its_pictures(album):
    found = names(predict.find([album]), album)
    assert found == [
        "a.PNG", "b.png", "below/a.png", "below/broken.png", "below/e.webp", "below/f.bmp",
        "c.jpg", "d.jpeg",
    ]  # fmt: skip


def test_globs_names_and_folders_in_the_order_given_each_once(album):
    given = [album / "c.jpg", f"{album}/*.png", f"{album}/**/a.png", album / "c.jpg"]
    assert names(predict.find(given), album) == ["c.jpg", "b.png", "below/a.png"]


def test_a_name_with_brackets_is_a_name(album):
    (album / "b.png").rename(album / "cat [1].png")
    assert names(predict.find([album / "cat [1].png"]), album) == ["cat [1].png"]


def test_a_file_that_is_named_is_tried_whatever_its_name(album):
    assert names(predict.find([album / "notes.txt"]), album) == ["notes.txt"]


@pytest.mark.parametrize("pattern", ["nowhere.png", "*.png", "empty", "empty/**"])
def test_what_stands_for_nothing_is_named(tmp_path, monkeypatch, pattern):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LensError, match="There is no picture"):
        predict.find([pattern])


def test_something_must_be_named():
    with pytest.raises(LensError, match="No picture was named"):
        predict.find([])


@pytest.mark.parametrize("batch", [1, 3, 128])
def test_batches_answer_as_one_by_one(ckpt, album, monkeypatch, batch):
    monkeypatch.setattr(predict, "BATCH", batch)
    paths = predict.find([album])
    pictures = list(predict.predict(ckpt, paths, progress=False))
    assert [picture.path for picture in pictures] == paths
    for picture in pictures:
        if picture.path.name == "broken.png":
            assert picture.answer is None and "not a picture" in picture.problem
            continue
        alone = classify(ckpt, network_view(open_image(picture.path)))
        assert picture.answer.predicted == alone.predicted and picture.problem == ""
        np.testing.assert_allclose(picture.answer.probabilities, alone.probabilities, atol=1e-5)
        np.testing.assert_allclose(picture.answer.features, alone.features, atol=1e-4)


def test_the_table_has_what_could_be_read_and_the_rest_is_named(ckpt, album, tmp_path, capsys):
    table, maps = tmp_path / "answers.csv", tmp_path / "deep" / "maps"
    assert predict.run(ckpt, [album], top_k=2, out=table, heatmaps=maps) is False
    said = capsys.readouterr()
    assert "7 of 8 pictures" in said.out
    assert [row for row in said.err.splitlines() if "broken.png: The file is not" in row]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == 7
    for number, row in enumerate(rows):
        answer = classify(ckpt, network_view(open_image(row["file"])))
        assert row["class_1"] == CLASSES[answer.predicted]
        assert float(row["probability_2"]) == pytest.approx(answer.top(2)[1][1], abs=1e-5)
        assert number == 0 or row["file"] > rows[number - 1]["file"]
    drawn = sorted(maps.iterdir())
    assert len(drawn) == 7 and len({path.name for path in drawn}) == 7
    image = network_view(open_image(rows[0]["file"]))
    (heat,) = heat_maps(ckpt, image, [CLASSES.index(rows[0]["class_1"])])
    expected = overlay(image.repeat(8, 0).repeat(8, 1), heat)
    assert np.array_equal(np.asarray(Image.open(drawn[0])), expected)


def test_without_a_table_there_is_a_line_a_picture(ckpt, album, capsys):
    assert predict.run(ckpt, [album / "b.png"], top_k=3) is True
    name, _, answers = capsys.readouterr().out.rpartition(": ")
    assert name == str(album / "b.png") and answers.count("%") == 3


@pytest.mark.parametrize("option", ["out", "heatmaps"])
def test_what_cannot_be_written_is_a_sentence(ckpt, album, option):
    (album / "file").write_text("in the way")
    with pytest.raises(LensError, match="cannot be written"):
        predict.run(ckpt, [album / "b.png"], top_k=1, **{option: album / "file" / "x"})
    assert (album / "file").read_text() == "in the way"
