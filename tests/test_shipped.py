"""The two checkpoints of the project and what is said about them belong together."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from cifar import bench, checkpoint, comparisons, evaluate
from cifar.card import model_card
from cifar.predictions import load_predictions
from cifar.recipe import PRESETS, Recipe
from cifar.results import readme_sections, refresh_readme, reports

PROJECT = Path(__file__).resolve().parent.parent
NAMES = ("resnet", "basenet")
# What is asked of our speed: how the name of each row with a bar begins, and the bar.
BARS = {
    "app": {
        "memory after 200 requests": "<= 1.05",
        "photograph of 12 megapixels": "<= 400 ms",
        "/classify and /explain": "<= +120 ms",
        "detail with both heat maps": "<= +200 ms",
        "data packs": "<= +100 ms",
    },
    "explain": {"resnet, stage3, one class": ">= 2.5"},
    "network": {
        "resnet: classify one image": "<= 1.3",
        "resnet: evaluate a batch": "<= 1.15",
        "basenet: classify one image": "<= 1.3",
        "basenet: evaluate a batch": "<= 1.15",
    },
    "start": {"python app.py to the first page": "<= 1.35"},
    "train": {"resnet": ">= 1.3", "basenet": ">= 1.3"},
}


@pytest.fixture(scope="module", params=NAMES)
def ckpt(request):
    return checkpoint.load(request.param)


def test_accuracy_bars_hold():
    found = {name: checkpoint.load(name).metrics["test"]["accuracy"]["value"] for name in NAMES}
    assert found["resnet"] >= 0.95 and found["basenet"] >= 0.91, found


def test_its_confidence_is_right_to_a_percent(ckpt):
    assert ckpt.metrics["test"]["ece_calibrated"] <= 0.01


def test_sizes_are_those_of_the_design(ckpt):
    parameters = sum(p.numel() for p in ckpt.model.parameters())
    assert parameters == ckpt.config["parameters"] == ckpt.metrics["parameters"]
    assert parameters == 5_319_754 if ckpt.name == "resnet" else parameters < 50_000


def test_the_preset_of_its_name_made_it(ckpt):
    preset, usual = (
        json.loads(json.dumps(dataclasses.asdict(recipe)))
        for recipe in (PRESETS[ckpt.name], Recipe(network=ckpt.name, epochs=0))
    )
    assert {**usual, **ckpt.config["recipe"]} == preset


def test_the_light_network_learned_from_the_published_one():
    pupil, teacher = (checkpoint.load(name) for name in ("basenet", "resnet"))
    assert pupil.config["recipe"]["teacher"] == teacher.name
    assert pupil.config["training"]["teacher_sha256"] == teacher.sha256


def test_it_saw_the_official_pixels_and_not_the_validation_images(ckpt):
    assert ckpt.config["training"]["official"] and ckpt.metrics["official"]
    assert ckpt.config["training"]["images"] == 48_000
    assert (
        len(checkpoint.read_lines(ckpt.path / "history.jsonl")) == ckpt.config["training"]["epochs"]
    )


def test_recorded_predictions_are_the_live_ones(ckpt, test_split):
    recorded = load_predictions(ckpt)
    logits, features = evaluate.predict(ckpt, test_split.images[:250])
    assert np.abs(logits - recorded.logits[:250]).max() < 1e-4
    np.testing.assert_allclose(features, recorded.features[:250], rtol=1e-3, atol=1e-3)  # float16
    assert np.array_equal(recorded.labels, test_split.labels.numpy())


def test_every_number_follows_from_the_predictions(ckpt):
    recorded = load_predictions(ckpt)
    again = evaluate.split_metrics(recorded.logits, recorded.labels, ckpt.metrics["temperature"])
    stored = dict(ckpt.metrics["test"])
    del stored["mirrored"]
    assert again.keys() == stored.keys()
    for key in ("accuracy", "top5", "mistakes", "per_class", "confusion"):
        assert json.loads(json.dumps(again[key])) == stored[key]
    for key in ("nll", "nll_calibrated", "ece", "ece_calibrated"):
        assert again[key] == pytest.approx(stored[key], rel=1e-6)


def test_the_model_card_is_fresh(ckpt):
    assert (ckpt.path / "README.md").read_text() == model_card(ckpt.config, ckpt.metrics)


def test_readmes_table_is_fresh():
    text = (PROJECT / "README.md").read_text()
    sections = readme_sections([checkpoint.load(name) for name in NAMES])
    assert refresh_readme(text, sections) == text, "run `python -m cifar figures`"


@pytest.mark.parametrize("suite", bench.SUITES)
def test_every_bar_of_our_speed_was_held(suite):
    (report,) = (one for one in reports() if one["suite"] == suite)
    rows = [row for row in report["rows"] if row["bound"]]
    for row, (name, bound) in zip(rows, BARS[suite].items(), strict=True):
        assert row["row"].startswith(name) and row["bound"] == bound
        assert row["ok"], row
        # A block of training takes up to 20 seconds.
        assert row["n"] >= (5 if suite == "train" else 20)


def test_the_reasons_for_the_recipes_are_fresh():
    assert comparisons.FACTS.is_file() and comparisons.REPORT.is_file()
    text = comparisons.REPORT.read_text(encoding="utf-8")
    assert text == comparisons.report(comparisons.load()), "run `python -m cifar recipes`"


def test_every_picture_of_readme_exists():
    text = (PROJECT / "README.md").read_text()
    for path in [part.split(")")[0] for part in text.split("](assets/")[1:]]:
        assert (PROJECT / "assets" / path).is_file(), path


@pytest.mark.parametrize(("package", "lowest"), [("gradio", (6, 31)), ("pillow", (12, 3))])
def test_no_version_is_allowed_that_lacks_the_fixes_we_rely_on(package, lowest):
    text = (PROJECT / "requirements.txt").read_text()
    (found,) = re.findall(rf"^{package}>=([\d.]+),", text, re.MULTILINE)
    assert tuple(map(int, found.split("."))) >= lowest


def test_no_file_is_too_large_for_a_repository(ckpt):
    assert max(path.stat().st_size for path in ckpt.path.iterdir()) < 25 * 2**20
