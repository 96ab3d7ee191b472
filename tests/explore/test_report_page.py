import re
from dataclasses import replace

import pytest

from cifar import CLASSES
from cifar.explore import mistakes, store
from cifar.explore.report_page import TILES, report
from cifar.explore.verdicts import corrected
from cifar.models.model_card import percent


@pytest.fixture(params=["resnet", "basenet"])
def ckpt(request):
    return store.load(request.param)


@pytest.fixture
def text(ckpt):
    return report(ckpt, [store.load("resnet"), store.load("basenet")], lambda path: path.name)


def test_it_shows_what_was_measured(ckpt, text):
    accuracy = ckpt.measured["test"]["accuracy"]
    assert f"<b>{accuracy['value']:.1%}</b> of 10,000 test images right" in text
    assert percent(accuracy) in text and "n = 10,000" in text
    truth = corrected(store.test_images().labels, store.annotations())
    agreed = (store.predictions(ckpt.name).logits.argmax(1) == truth).mean()
    assert "where 19 labels are replaced" in text and f"<td>{agreed:.2%} (" in text
    assert f"<td>{percent(ckpt.measured['near_duplicates']['accuracy_without'])}</td>" in text


def test_each_cell_of_the_matrix_leads_to_its_mistakes(ckpt, text):
    rows = store.table(ckpt.name)
    cells = re.findall(r'href="[?]model=(\w+)&amp;true=(\w+)&amp;pred=(\w+)"[^>]*>(\d+)</a>', text)
    wrong = rows[rows["wrong"]].groupby(["true", "predicted"]).size()
    assert {(true, pred): int(n) for _, true, pred, n in cells} == wrong.to_dict()
    assert {name for name, *_ in cells} == {ckpt.name}
    for name in CLASSES:
        right = ((rows["true"] == name) & ~rows["wrong"]).sum()
        assert f'<td class="right">{right}</td>' in text


def test_shares_of_photographs_are_dots_with_their_intervals(ckpt, text):
    looks = ckpt.measured["photographs"]["views"]["looks"]
    for share in (looks["accuracy"], looks["detected"], looks["false_alarms"]):
        low, at, high = (f"{100 * share[key]:.1f}" for key in ("low", "value", "high"))
        assert f'd="M{low} 6H{high}"/><circle cx="{at}"' in text
        assert f"<td>{at}%</td><td>{low} to {high}</td><td>{share['n']}</td>" in text


def test_a_network_that_was_not_shown_photographs_has_no_such_section(ckpt, text):
    bare = replace(ckpt, metrics={k: v for k, v in ckpt.metrics.items() if k != "photographs"})
    assert "photographs" in text
    assert "photographs" not in report(bare, [bare], lambda path: path.name)


def test_the_tiles_are_the_most_confident_mistakes(ckpt, text):
    rows = mistakes.select(store.table(ckpt.name)).head(TILES)
    links = re.findall(r'href="[?]model=\w+&amp;id=(\d+)"><img src="data:image/png', text)
    assert [int(link) for link in links] == rows.index.tolist()


def test_figures_come_for_both_themes_and_no_style_is_inline(ckpt, text):
    prefix = "" if ckpt.name == "resnet" else f"{ckpt.name}-"
    for kind in (f"{prefix}reliability", "training_curves", "training_images"):
        for end, theme in ((".png", "light"), ("-dark.png", "dark")):
            assert f'class="on-{theme}" href="{kind}{end}"' in text
    assert "style=" not in text and "<script" not in text
