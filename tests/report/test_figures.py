import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cifar import CLASSES, LensError, files
from cifar.data import cifar10
from cifar.evaluation import evaluate, metrics
from cifar.evaluation.predictions import Predictions, load_predictions, save_predictions
from cifar.explore import mistakes
from cifar.models import checkpoint, figure_files
from cifar.models.errors import CheckpointError
from cifar.models.model_card import percent
from cifar.models.networks import create_model
from cifar.models.summary import multiply_adds
from cifar.report import figures, readme_tables
from cifar.training.recipe import PRESETS

N = 400


@pytest.fixture(scope="module")
def small_test():
    tiles = np.random.default_rng(0).integers(0, 256, (N, 3, 4, 4), dtype=np.uint8)
    images = tiles.repeat(8, 2).repeat(8, 3)
    labels = torch.arange(N) % 10
    return cifar10.Split("test", torch.from_numpy(images), labels, torch.arange(N), False)


@pytest.fixture(scope="module")
def logits(small_test):
    """Right four times out of five, with every degree of confidence."""
    random = np.random.default_rng(1)
    named = np.where(random.random(N) < 0.8, small_test.labels, random.integers(0, 10, N))
    return (np.eye(10)[named] * random.uniform(0, 9, (N, 1)) + random.random((N, 10))).astype("f4")


def history(sizes):
    return [
        {
            "epoch": i + 1,
            "size": size,
            "train_loss": 2 - i / 10,
            "train_accuracy": 0.4 + i / 300,
            "val_loss": 1.9 - i / 9,
            "val_accuracy": 0.5 + i / 300,
        }
        for i, size in enumerate(sizes)
    ]


def scores(method, layer, road, n=500):
    road = {"mean": road, "low": road - 0.01, "high": road + 0.01}
    return {
        "method": method,
        "layer": layer,
        "n": n,
        **dict.fromkeys(("road", "deletion", "insertion", "control"), road),
        "milliseconds": 1.0,
    }


SCORES = {
    "images": 500,
    "hardware": "a quipu",
    "seconds": 60,
    "rows": [
        scores("gradcam", "stage3", 0.11),
        scores("layercam", "stage1", 0.02),
        scores("occlusion", None, 0.40, n=25),  # slow: best, but not what is drawn
        scores("hirescam", "stage2", 0.25),
    ],
    "random": scores("random", None, 0.001),
    "default": {"method": "hirescam", "layers": ["stage2"]},
}
MARKED = "before\n\n<!-- {0} -->\nold\n<!-- /{0} -->\n\nafter\n"
README = "".join(MARKED.format(name) for name in ("results", "photographs", "heat maps"))


@pytest.fixture(scope="module")
def project(tmp_path_factory, metrics_of, small_test, logits):
    """A folder with two measured checkpoints and a README."""
    root = tmp_path_factory.mktemp("project")
    for name in ("resnet", "basenet"):
        torch.manual_seed(0)
        model, recipe = create_model(name), PRESETS[name]
        sizes = [recipe.sizes[min(i, len(recipe.sizes) - 1)] for i in range(recipe.epochs)]
        folder = root / "checkpoints" / name
        checkpoint.save(
            folder,
            model,
            network=name,
            recipe=dataclasses.asdict(recipe),
            history=history(sizes),
            training={
                "images": 48_000,
                "official": True,
                "epochs": recipe.epochs,
                "seconds": 5_700,
                "petaflop": 0.7012,
                "val_accuracy": 0.9,
                "hardware": "an abacus",
                "processes": 1,
                "torch": "2.9",
            },
        )
        ckpt = checkpoint.load(folder)
        labels = small_test.labels.numpy()
        command = f"python -m cifar evaluate {name}"
        measured = metrics_of(
            ckpt.sha256,
            official=name == "resnet",
            temperature=1.25,
            test=evaluate.split_metrics(logits, labels, 1.25),
            parameters=ckpt.config["parameters"],
            multiply_adds=multiply_adds(model),
            explain=SCORES | {"command": f"{command} --explain"},
        )
        measured["test"]["mirrored"] = metrics.proportion(333, N)
        measured["evaluation"] |= {"hardware": "a slide rule", "command": command}
        files.write_json(folder / "metrics.json", measured)
        save_predictions(
            folder / "predictions.npz",
            Predictions(logits, labels, None, False, ckpt.sha256),
        )
    (root / "README.md").write_text(README)
    return root


@pytest.fixture
def ckpt(project):
    return checkpoint.load(project / "checkpoints" / "basenet")


@pytest.fixture
def rows(ckpt):
    return mistakes.table(load_predictions(ckpt), ckpt.temperature)


def words(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def assert_legible(figure: Figure) -> None:
    """Every text stands inside the picture and clear of every other."""
    image = figures.to_image(figure)
    boxes = [(t.get_text(), t.get_window_extent()) for axes in figure.axes for t in axes.texts]
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= image.width and box.y1 <= image.height, text
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0
        assert apart, f"{first!r} runs into {second!r}"


def test_training_images_has_a_row_a_class_and_keeps_pixels(small_test):
    figure = figures.training_images(small_test)
    assert_legible(figure)
    assert words(figure)[1:] == list(CLASSES)
    (page,) = figure.axes
    assert len(page.images) == 100
    shown, picture = page.images[17], np.asarray(figures.to_image(figure))
    left, right, bottom, top = (round(edge) for edge in shown.get_extent())
    source = np.asarray(shown.get_array())
    zoom = (right - left) // 32
    assert (picture[top:bottom, left:right] == source.repeat(zoom, 0).repeat(zoom, 1)).all()
    of_class = small_test.images[small_test.labels == 1].permute(0, 2, 3, 1).numpy()
    assert (of_class == source).all((1, 2, 3)).any()


def test_training_images_are_the_same_for_the_same_seed(small_test):
    def first(seed):
        return figures.training_images(small_test, seed=seed).axes[0].images[0].get_array()

    assert (first(0) == first(0)).all()
    assert (first(0) != first(1)).any()


def test_misclassified_says_index_true_and_predicted_in_their_colours(ckpt, rows, small_test):
    figure = figures.misclassified(ckpt, rows, small_test)
    assert_legible(figure)
    said = words(figure)
    worst = mistakes.select(rows).head(20)
    assert said[0] == "The 20 most confident mistakes of basenet"
    assert said[2::4] == [f"true {name}" for name in worst["true"]]
    assert said[3::4] == [f"#{index}" for index in worst.index]
    assert said[4::4] == [f"seen as {name}" for name in worst["predicted"]]
    assert said[5::4] == [f"{confidence:.1%}" for confidence in worst["confidence"]]
    (page,) = figure.axes
    assert {text.get_color() for text in page.texts[2::4]} == {figures.TRUE}
    assert {text.get_color() for text in page.texts[4::4]} == {figures.PREDICTED}
    assert len(page.images) == 40
    first = small_test.images[worst.index[0]].permute(1, 2, 0)
    assert (page.images[0].get_array() == first.numpy()).all()


def test_misclassified_has_room_for_the_longest_caption(ckpt, rows, small_test):
    wrong = rows["wrong"]
    rows.loc[wrong, ["true", "predicted", "confidence"]] = ["automobile", "automobile", 1.0]
    rows.index = rows.index + 9_000
    wide = dataclasses.replace(small_test, images=small_test.images.repeat(25, 1, 1, 1))
    assert_legible(figures.misclassified(ckpt, rows, wide))


def test_misclassified_of_few_or_no_mistakes(ckpt, rows, small_test):
    few = rows[rows["wrong"]].head(3)
    assert words(figures.misclassified(ckpt, few, small_test))[0].startswith("The 3 most")
    none = figures.misclassified(ckpt, rows[~rows["wrong"]], small_test)
    assert not none.axes[0].images
    assert_legible(none)


def test_confusion_matrix_holds_every_count_and_its_margins(ckpt):
    figure = figures.confusion_matrix(ckpt.metrics)
    assert_legible(figure)
    test = ckpt.metrics["test"]
    counts, said = np.array(test["confusion"]), words(figure)
    assert f"{np.trace(counts)} right, {test['mistakes']} wrong (n = {N} test images)" in said[0]
    for i, name in enumerate(CLASSES):
        column, row, recall, precision, *cells = said[5 + 14 * i :][:14]
        assert column == row == name
        assert recall == f"{test['per_class'][i]['recall']['value']:.1%}"
        assert precision == f"{test['per_class'][i]['precision']['value']:.1%}"
        assert [int(cell) for cell in cells] == counts[i].tolist()


def test_confusion_matrix_colours_mistakes_and_not_the_diagonal(ckpt):
    shares = figures.confusion_matrix(ckpt.metrics).axes[0].images[0].get_array()
    counts = np.array(ckpt.metrics["test"]["confusion"])
    white = np.asarray(shares) == 0
    mistaken = (counts > 0) & ~np.eye(10, dtype=bool)
    assert (white == ~mistaken).all()


def test_confusion_matrix_of_a_network_without_mistakes():
    perfect = evaluate.split_metrics(10 * np.eye(10, dtype="f4"), np.arange(10), 1.0)
    figures.to_image(figures.confusion_matrix({"test": perfect}))


def test_a_darkened_figure_has_the_same_words_on_a_dark_page(ckpt):
    figure = figures.confusion_matrix(ckpt.metrics, ckpt.name)
    said, light = words(figure), np.asarray(figures.to_image(figure)).astype(int)
    dark = np.asarray(figures.to_image(figures.darken(figure))).astype(int)
    assert words(figure) == said and dark.shape == light.shape
    assert light[2, 2].min() == 255 and dark[2, 2].max() < 40
    assert not (dark.min(-1) > 250).any()  # nothing white is left
    colors = {text.get_color() for text in figure.axes[0].texts}
    assert all(max(color[:3]) > 0.4 or color[:3] == to_rgb("#1C1A18") for color in colors)


def test_training_curves_show_both_networks_and_where_the_size_changes():
    runs = {"resnet": history([16, 16, 24, 32, 32]), "basenet": history([32] * 3)}
    figure = figures.training_curves(runs)
    assert_legible(figure)
    loss, other, accuracy, _ = figure.axes
    assert loss.get_title("left").startswith("resnet: 5 epochs")
    assert other.get_title("left").startswith("basenet: 3 epochs")
    train, val, *changes = loss.lines
    assert list(train.get_ydata()) == [line["train_loss"] for line in runs["resnet"]]
    assert list(val.get_ydata()) == [line["val_loss"] for line in runs["resnet"]]
    assert [line.get_xdata()[0] for line in changes] == [2.5, 3.5]
    assert list(accuracy.lines[1].get_ydata()) == [line["val_accuracy"] for line in runs["resnet"]]
    assert words(figure) == ["16x16", "24x24", "32x32", "32x32"]


def test_training_curves_of_a_single_epoch():
    assert_legible(figures.training_curves({"resnet": history([32])}))


def test_reliability_shows_both_sides_of_the_temperature(ckpt):
    figure = figures.reliability(ckpt.metrics, "basenet")
    figures.to_image(figure)
    test = ckpt.metrics["test"]
    before, after, shares, _ = figure.axes
    assert before.get_title("left") == f"basenet as trained: ECE {test['ece']:.2%}"
    assert after.get_title("left") == (
        f"basenet after temperature 1.25: ECE {test['ece_calibrated']:.2%}"
    )
    filled = [row for row in test["reliability"] if row["n"]]
    assert [bar.get_height() for bar in before.patches] == [row["accuracy"] for row in filled]
    assert sum(bar.get_height() for bar in shares.patches) == pytest.approx(1)


def test_results_table_holds_the_measured_numbers(project):
    ckpts = [checkpoint.load(project / "checkpoints" / name) for name in ("resnet", "basenet")]
    table = readme_tables.results_table(ckpts)
    head, rule, resnet, basenet, empty, *notes = table.splitlines()
    assert head.count("|") == rule.count("|") == resnet.count("|") == basenet.count("|")
    assert empty == ""
    test = ckpts[0].metrics["test"]
    for cell in (
        "`resnet`",
        "5,319,754",
        "454.8 M",
        "0.701",
        "1 h 35 min",
        f"{test['mirrored']['value']:.2%}",
        f"{test['ece_calibrated']:.2%}",
    ):
        assert f"| {cell} |" in resnet
    assert percent(test["accuracy"]) in resnet.replace("**", "")
    assert resnet.endswith("| yes |")
    assert basenet.endswith("| no |")
    assert len(notes) == 2
    for said in ("an abacus", "a slide rule", f"n = {N}", "`python -m cifar evaluate resnet`"):
        assert said in notes[0]


def test_results_table_leaves_out_what_is_unknown_of_a_brought_network(ckpt):
    config = {**ckpt.config, "network": "onnx", "title": "Theirs", "source": "net.onnx"}
    del config["training"]
    metrics = {**ckpt.metrics, "multiply_adds": None}
    brought = dataclasses.replace(ckpt, config=config, metrics=metrics)
    *_, row, _, note = readme_tables.results_table([brought]).splitlines()
    assert "|  |  |  |  | **" in row and "brought from `net.onnx`; n = " in note


def test_results_table_refuses_an_unmeasured_checkpoint(ckpt):
    with pytest.raises(CheckpointError, match="not measured yet"):
        readme_tables.results_table([dataclasses.replace(ckpt, metrics={})])


def test_heat_map_notes_say_which_map_is_drawn_and_what_it_beats(project):
    ckpts = [checkpoint.load(project / "checkpoints" / name) for name in ("resnet", "basenet")]
    resnet, basenet = readme_tables.heat_map_notes(ckpts).splitlines()
    assert "**HiResCAM at stage 2, 8x8 map: 0.250 (0.240 to 0.260)**" in resnet
    assert "stage 2, 16x16 map" in basenet
    assert "Next best is Grad-CAM at stage 3" in resnet and "worst LayerCAM at stage 1" in resnet
    assert "random maps: 0.001" in resnet and "Occlusion" not in resnet
    for said in ("n = 500", "`python -m cifar evaluate resnet --explain`", "a quipu"):
        assert said in resnet


def test_heat_map_notes_refuse_a_checkpoint_without_scores(ckpt):
    bare = {key: value for key, value in ckpt.metrics.items() if key != "explain"}
    with pytest.raises(CheckpointError, match="basenet --explain"):
        readme_tables.heat_map_notes([dataclasses.replace(ckpt, metrics=bare)])


def test_photographs_say_how_many_and_whence(project):
    ckpts = [checkpoint.load(project / "checkpoints" / name) for name in ("resnet", "basenet")]
    found = ckpts[0].measured["photographs"]
    looks = found["views"]["looks"]
    table, notes = readme_tables.photographs_table(ckpts).split("\n\n")
    row = table.splitlines()[2]
    assert f"**{looks['accuracy']['value']:.1%}**" in row and f"{looks['confidence']:.1%}" in row
    for said in (f"n = {looks['accuracy']['n']} photographs", found["source"], found["command"]):
        assert said in notes.splitlines()[0]
    bare = {key: value for key, value in ckpts[0].metrics.items() if key != "photographs"}
    with pytest.raises(CheckpointError, match="--photos FOLDER"):
        readme_tables.photographs_table([dataclasses.replace(ckpts[0], metrics=bare)])


def test_refresh_readme_keeps_the_rest():
    sections = {"heat maps": "new", "photographs": "other", "results": "newer"}
    once = readme_tables.refresh_sections(README, sections)
    assert once.splitlines()[2:5] == ["<!-- results -->", "newer", "<!-- /results -->"]
    replaced = README.replace("old", "newer", 1).replace("old", "other", 1)
    assert once == replaced.replace("old", "new", 1)
    assert readme_tables.refresh_sections(once, {"results": "newer"}) == once


START, END = "<!-- results -->", "<!-- /results -->"


@pytest.mark.parametrize("text", ["", START, END, f"{END} {START}"])
def test_refresh_readme_needs_both_markers(text):
    with pytest.raises(LensError, match="no place for the results"):
        readme_tables.refresh_sections(text, {"results": "new"})


@pytest.fixture
def drawing(project, small_test, monkeypatch, tmp_path):
    """`draw_all` on the small project; the folder of the pictures is made anew."""
    monkeypatch.setattr(checkpoint, "ROOT", project / "checkpoints")
    monkeypatch.setattr(cifar10, "load", lambda split: small_test)
    readme = tmp_path / "README.md"
    readme.write_text((project / "README.md").read_text())
    return tmp_path / "assets", readme


def test_draw_all_writes_the_pictures_and_the_table(drawing, monkeypatch):
    assets, readme = drawing
    figures.draw_all(assets, readme)
    own = ("misclassified", "confusion_matrix", "reliability")
    names = ["training_images", "training_curves", *own, *(f"basenet-{name}" for name in own)]
    assert {path.name for path in assets.iterdir()} == {
        f"{name}{theme}.png" for name in names for theme in ("", "-dark")
    }
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "| `resnet` |" in text and "old" not in text
    ckpt = checkpoint.load("resnet")
    again = figures._png(figures.confusion_matrix(ckpt.metrics, "resnet"), [ckpt])
    assert (assets / "confusion_matrix.png").read_bytes() == again
    weights = {path.name: figure_files.weights_of(path) for path in assets.iterdir()}
    light = checkpoint.load("basenet")
    assert weights["reliability-dark.png"] == {ckpt.sha256}
    assert weights["reliability.png"] == {ckpt.sha256}
    assert weights["basenet-misclassified.png"] == {light.sha256}
    assert weights["training_curves.png"] == {ckpt.sha256, light.sha256}
    assert weights["training_images.png"] == set()
    assert figure_files.drawn_of_all([light], "training_images")
    monkeypatch.setattr(figure_files, "ASSETS", assets)
    assert figure_files.drawn_of_all([ckpt, light], "training_curves")
    assert figure_files.drawn_of_all([light], "training_curves") is None


def test_draw_all_writes_nothing_if_something_is_missing(drawing, monkeypatch):
    assets, readme = drawing

    def missing(split):
        raise cifar10.DataError("no images")

    before = readme.read_text()
    with monkeypatch.context() as patch:
        patch.setattr(cifar10, "load", missing)
        with pytest.raises(cifar10.DataError):
            figures.draw_all(assets, readme)
    assert not assets.exists()
    assert readme.read_text() == before
    readme.write_text("no markers")
    with pytest.raises(LensError, match="has no place"):
        figures.draw_all(assets, readme)
    readme.unlink()
    with pytest.raises(LensError, match="cannot be read"):
        figures.draw_all(assets, readme)
    assert not assets.exists()


@pytest.mark.parametrize("content", [None, "", "{broken", json.dumps({}) + "\n{"])
def test_a_bad_history_is_named(ckpt, tmp_path, content):
    if content is not None:
        (tmp_path / "history.jsonl").write_text(content)
    with pytest.raises(LensError, match=r"history\.jsonl"):
        files.read_json_lines(tmp_path / "history.jsonl")
