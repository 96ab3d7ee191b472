import json
import sys

import numpy as np
import pytest

from cifar import LensError, files
from cifar.__main__ import main
from cifar.data import cifar10
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.evaluation.evaluate import kept_sections
from cifar.explain import method_scores
from cifar.explain.faithfulness import curves
from cifar.explain.heat_maps import heat_maps
from cifar.explain.method_scores import (
    SCORES,
    choices,
    evenly_spaced,
    mean,
    score,
    score_image,
    summarize,
)
from cifar.explain.methods import METHODS, default_choice
from cifar.explain.perturbation import ranking
from cifar.explain.randomization import model_randomization
from cifar.explain.trust import FRACTIONS, area
from cifar.models import checkpoint
from cifar.models import model_card as cards
from cifar.models.errors import CheckpointError
from cifar.models.model_card import model_card, scores_table

FAST = [name for name, method in METHODS.items() if not method.slow]
SLOW = [name for name, method in METHODS.items() if method.slow]
LAYERS = ["prep", "stage1", "stage2", "stage3", "stage4"]


@pytest.fixture
def evaluated(make_checkpoint, metrics_of, tiny_split, monkeypatch):
    """The folder of a checkpoint with the least that an evaluation leaves; 40 test images."""
    split = tiny_split(40, "test")
    monkeypatch.setattr(cifar10, "load", lambda name, source=None: split)
    monkeypatch.setattr(method_scores, "SLOW_IMAGES", 2)
    # The card needs all that an evaluation measures; it is tried with the real checkpoints.
    monkeypatch.setattr(cards, "model_card", lambda config, metrics: str(metrics["explain"]))
    folder = make_checkpoint()
    sha256 = files.sha256_of(folder / "model.safetensors")
    metrics = metrics_of(sha256, temperature=2.0, kept=[1, 2])
    for section in ("explain", "photographs", "trust"):
        metrics.pop(section, None)
    files.write_json(folder / "metrics.json", metrics)
    return folder


@pytest.fixture
def few(monkeypatch):
    """Grad-CAM alone, at two layers."""
    rows = [("gradcam", "stage3"), ("gradcam", "stage4")]
    monkeypatch.setattr(method_scores, "choices", lambda ckpt, slow: rows)
    return rows


def image_of(split, i):
    return split.images[i].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    ("n", "count", "expected"),
    [(10_000, 500, [0, 20, 40, 60]), (40, 3, [0, 13, 26]), (4, 4, [0, 1, 2, 3])],
)
def test_images_are_evenly_spaced(n, count, expected):
    found = evenly_spaced(n, count)
    assert len(found) == count == len(set(found)) and found.max() < n
    assert list(found[:4]) == expected


def test_every_method_meets_every_layer(make_checkpoint):
    ckpt = checkpoint.load(make_checkpoint())
    assert choices(ckpt, slow=False) == [(name, layer) for name in FAST for layer in LAYERS]
    slow = [row for row in choices(ckpt, slow=True) if row[0] in SLOW]
    assert slow == [
        (name, layer) for name in SLOW for layer in ([None] if name == "occlusion" else LAYERS)
    ]


def test_an_image_is_scored_as_its_maps_are_one_by_one(make_checkpoint, tiny_split, few):
    ckpt, image = checkpoint.load(make_checkpoint()), image_of(tiny_split(10), 3)
    found = score_image(ckpt, image, np.random.default_rng(0), slow=False)
    assert [row for row, _ in found] == [*few, method_scores.RANDOM, method_scores.RANDOM]
    target = classify(ckpt, Seen.image(image)).predicted
    for (method, layer), got in found[:2]:
        (heat,) = heat_maps(ckpt, image, [target], method, [layer])
        order = ranking(heat.values)
        deletion, insertion, road = curves(
            ckpt, image, target, [order], FRACTIONS, np.random.default_rng(0)
        )
        assert got["deletion"] == pytest.approx(area(deletion[0]), abs=1e-6)
        assert got["insertion"] == pytest.approx(area(insertion[0]), abs=1e-6)
        assert got["road"] == pytest.approx(road[0], abs=0.02)  # other noise
        assert got["control"] == model_randomization(ckpt, image, heat, networks=1)
        assert got["seconds"] > 0
    assert all(got["control"] is got["seconds"] is None for _, got in found[2:])


def test_a_mean_has_its_interval():
    values = np.random.default_rng(0).normal(0.3, 0.1, 400)
    found = mean(list(values))
    assert found["mean"] == pytest.approx(values.mean())
    assert found["high"] - found["mean"] == pytest.approx(1.96 * values.std() / 20, rel=0.01)
    assert found["mean"] - found["low"] == pytest.approx(found["high"] - found["mean"])


@pytest.mark.parametrize("values", [[], [0.4]])
def test_too_few_values_have_no_mean(values):
    assert mean(values) == {"mean": None, "low": None, "high": None}


def test_a_summary_leaves_out_what_was_not_measured():
    row = {"road": 0.5, "deletion": 0.1, "insertion": 0.9}
    found = summarize(
        [
            {**row, "control": None, "seconds": 0.001},
            {**row, "control": 0.2, "seconds": 0.002},
            {**row, "control": 0.4, "seconds": 0.1},
        ]
    )
    assert found["n"] == 3 and found["milliseconds"] == pytest.approx(2)
    assert found["road"]["mean"] == 0.5 and found["control"]["mean"] == pytest.approx(0.3)
    assert "milliseconds" not in summarize([{**row, "control": None, "seconds": None}] * 2)


def test_scores_are_added_to_the_metrics(evaluated, few):
    result = score(evaluated, images=5)
    text = (evaluated / "metrics.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == result
    explain = result["explain"]
    assert result["temperature"] == 2.0 and result["kept"] == [1, 2]
    assert explain["images"] == 5 and explain["seconds"] >= 0 and explain["hardware"]
    assert explain["command"] == "python -m cifar evaluate FOLDER --explain --images 5"
    assert [(row["method"], row["layer"]) for row in explain["rows"]] == few
    for row in explain["rows"]:
        assert row.keys() == {"method", "layer", "n", *SCORES, "milliseconds"}
        assert row["n"] == 5 and row["milliseconds"] > 0
        for key in ("road", "deletion", "insertion"):
            assert row[key]["low"] <= row[key]["mean"] <= row[key]["high"]
    assert explain["random"].keys() == {"n", *SCORES} and explain["random"]["n"] == 10
    assert (evaluated / "README.md").read_text() == str(explain)


def test_the_default_is_the_fast_row_with_the_highest_road(evaluated, few):
    explain = score(evaluated, images=4)["explain"]
    best = max(explain["rows"], key=lambda row: row["road"]["mean"])
    assert explain["default"] == {"method": "gradcam", "layers": [best["layer"]]}
    ckpt = checkpoint.load(evaluated)
    assert default_choice(ckpt) == ("gradcam", (best["layer"],))


def test_a_slow_method_is_never_the_default(evaluated, few, monkeypatch):
    rated = {("gradcam", "stage3"): 0.1, (SLOW[0], "stage3"): 0.9, method_scores.RANDOM: 0.0}

    def score_image(ckpt, image, random, slow):
        rest = {"deletion": 0.1, "insertion": 0.2, "control": None, "seconds": 0.1}
        return [(row, {"road": road, **rest}) for row, road in rated.items()]

    monkeypatch.setattr(method_scores, "score_image", score_image)
    assert score(evaluated, images=3)["explain"]["default"]["method"] == "gradcam"


def test_all_methods_are_scored_slow_ones_on_fewer_images(evaluated, monkeypatch):
    def score_image(ckpt, image, random, slow):
        numbers = {"deletion": 0.1, "insertion": 0.2, "control": None, "road": 0, "seconds": 0.1}
        return [(row, numbers) for row in [*choices(ckpt, slow), method_scores.RANDOM]]

    monkeypatch.setattr(method_scores, "score_image", score_image)
    explain = score(evaluated, images=3)["explain"]
    found = {(row["method"], row["layer"]): row["n"] for row in explain["rows"]}
    ckpt = checkpoint.load(evaluated)
    assert found == {row: 2 if METHODS[row[0]].slow else 3 for row in choices(ckpt, slow=True)}


def test_scores_are_the_same_again(evaluated, few):
    def timeless(explain):
        return [{**row, "milliseconds": 0} for row in explain["rows"]]

    once, again = (score(evaluated, images=3)["explain"] for _ in range(2))
    assert timeless(once) == timeless(again) and once["random"] == again["random"]


def test_a_checkpoint_that_was_not_evaluated_is_refused(make_checkpoint):
    with pytest.raises(CheckpointError, match="not measured yet: run `python -m cifar evaluate"):
        score(make_checkpoint())


def meanwhile(monkeypatch, act):
    """Do something else to the checkpoint's folder while its first image is scored."""
    score_image = method_scores.score_image

    def interrupted(*arguments, **options):
        act()
        return score_image(*arguments, **options)

    monkeypatch.setattr(method_scores, "score_image", interrupted)


def test_what_others_measured_meanwhile_is_kept(evaluated, few, monkeypatch):
    def act():
        known = files.read_json(evaluated / "metrics.json")
        files.write_json(evaluated / "metrics.json", known | {"kept": "meanwhile"})

    meanwhile(monkeypatch, act)
    assert score(evaluated, images=2)["kept"] == "meanwhile"


def test_a_checkpoint_that_is_replaced_meanwhile_is_refused(
    evaluated, few, monkeypatch, make_checkpoint
):
    def act():
        (evaluated / "metrics.json").unlink(missing_ok=True)
        make_checkpoint(seed=1)

    meanwhile(monkeypatch, act)
    with pytest.raises(CheckpointError, match="was replaced while it was measured"):
        score(evaluated, images=2)
    assert not (evaluated / "metrics.json").exists()


@pytest.mark.parametrize("images", [1, 41])
def test_a_number_of_images_that_cannot_be_is_refused(evaluated, images):
    with pytest.raises(LensError, match=f"{images} images .* choose 2 to 40"):
        score(evaluated, images=images)


def test_an_evaluation_keeps_the_scores_of_the_same_weights(evaluated, few):
    explain = score(evaluated, images=3)["explain"]
    assert kept_sections(checkpoint.load(evaluated, measured=False)) == {"explain": explain}


def test_an_evaluation_drops_the_scores_of_other_weights(evaluated, few, make_checkpoint):
    score(evaluated, images=3)
    make_checkpoint(seed=1)
    assert kept_sections(checkpoint.load(evaluated, measured=False)) == {}


@pytest.mark.parametrize("content", [None, "", "{", '{"weights_sha256": "0"}'])
def test_an_evaluation_minds_no_metrics_that_are_absent_or_broken(make_checkpoint, content):
    folder = make_checkpoint()
    if content is not None:
        (folder / "metrics.json").write_text(content)
    assert kept_sections(checkpoint.load(folder, measured=False)) == {}


def interval(value):
    return {"mean": value, "low": value - 0.01, "high": value + 0.01}


def row(method, layer, road, **more):
    values = {"road": interval(road), "deletion": interval(0.3), "insertion": interval(0.6)}
    return {"method": method, "layer": layer, "n": 500, **values, "control": interval(0), **more}


EXPLAIN = {
    "images": 500,
    "command": "python -m cifar evaluate net --explain",
    "hardware": "an abacus",
    "seconds": 600,
    "rows": [
        row("gradcam", "stage3", 0.2, milliseconds=3.04),
        row("occlusion", None, 0.3, milliseconds=40.0) | {"n": 50},
        row("layercam", "stage4", 0.25, milliseconds=4.0),
    ],
    "random": row("", "", -0.001) | {"n": 2500, "control": mean([])},
    "default": {"method": "layercam", "layers": ["stage4"]},
}


def test_the_table_has_the_best_first_and_random_maps_last():
    lines = scores_table(EXPLAIN).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:6]]
    assert len({len(row) for row in cells}) == 1
    assert [row[0] for row in cells[2:]] == [
        "`occlusion`",
        "**`layercam`**",
        "`gradcam`",
        "random maps",
    ]
    assert cells[3][1:4] == ["**`stage4`**", "500", "0.250 (0.240 to 0.260)"]
    assert cells[4][-1] == "3.0"
    assert cells[5][2:4] == ["2,500", "-0.001 (-0.011 to 0.009)"] and cells[5][-2:] == ["", ""]
    assert "500 test images" in lines[-1] and "an abacus, 10 min." in lines[-1]


def test_the_card_has_the_table_once_there_are_scores():
    ckpt = checkpoint.load("basenet")
    plain = {key: ckpt.metrics[key] for key in ckpt.metrics if key not in ("explain", "trust")}
    assert "## Heat maps" not in model_card(ckpt.config, plain)
    card = model_card(ckpt.config, plain | {"explain": EXPLAIN})
    assert f"\n## Heat maps\n\n{scores_table(EXPLAIN)}\n\n## Photographs\n" in card


def test_the_command_scores_heat_maps_alone(evaluated, few, monkeypatch, capsys):
    arguments = ["evaluate", str(evaluated), "--explain", "--images", "3"]
    monkeypatch.setattr(sys, "argv", ["cifar", *arguments])
    main()
    explain = json.loads((evaluated / "metrics.json").read_text())["explain"]
    assert capsys.readouterr().out == scores_table(explain) + "\n"
    assert not (evaluated / "predictions.npz").exists()
