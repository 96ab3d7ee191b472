"""The two checkpoints of the project and what is said about them belong together."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cifar.evaluation import evaluate
from cifar.evaluation.predictions import load_predictions
from cifar.models import checkpoint
from cifar.models.model_card import model_card
from cifar.report.readme_tables import readme_sections, refresh_sections
from cifar.training import ablations
from cifar.training.recipe import PRESETS, Recipe

PROJECT = Path(__file__).resolve().parent.parent
NAMES = ("resnet", "basenet")


@pytest.fixture(scope="module", params=NAMES)
def ckpt(request):
    return checkpoint.load(request.param)


def test_the_preset_of_its_name_made_it(ckpt):
    preset, usual = (
        json.loads(json.dumps(dataclasses.asdict(recipe)))
        for recipe in (PRESETS[ckpt.name], Recipe(network=ckpt.name, epochs=0))
    )
    recipe = {name: value for name, value in ckpt.config["recipe"].items() if name in preset}
    assert {**usual, **recipe, "preset": ckpt.name} == preset


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
    assert refresh_sections(text, sections) == text, "run `python -m cifar figures`"


def test_the_reasons_for_the_recipes_are_fresh():
    assert ablations.FACTS.is_file() and ablations.REPORT.is_file()
    text = ablations.REPORT.read_text(encoding="utf-8")
    assert text == ablations.report(ablations.load()), "run `python -m cifar recipes`"
