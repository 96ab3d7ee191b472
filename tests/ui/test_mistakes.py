import gradio as gr
import numpy as np
import pytest

from cifar import CLASSES
from cifar.ui import library
from cifar.ui import mistakes as tab


def shown(true=tab.ANY, predicted=tab.ANY, sort="most confident", number=1, name="basenet"):
    return tab.show(name, true, predicted, sort, number)


def test_opens_on_the_most_confident_mistakes(test_images):
    items, indices, line, _ = shown()
    rows = library.table("basenet")
    best = rows[rows["wrong"]]["confidence"].max()
    assert rows.loc[indices[0], "confidence"] == best
    assert len(items) == tab.PAGE_SIZE and f"{rows['wrong'].sum():,}" in line


def test_every_mistake_is_on_exactly_one_page(test_images):
    rows = library.table("basenet")
    total = int(rows["wrong"].sum())
    pages = -(-total // tab.PAGE_SIZE)
    seen = [i for number in range(1, pages + 1) for i in shown(number=number)[1]]
    assert len(seen) == total and set(seen) == set(rows.index[rows["wrong"]])


def test_cells_of_all_filters_add_up_to_all_mistakes(test_images):
    rows = library.table("basenet")
    confusion = library.load("basenet").metrics["test"]["confusion"]
    for i, true in enumerate(CLASSES):
        _, _, line, _ = shown(true=true)
        wrong = sum(confusion[i]) - confusion[i][i]
        assert f"<b>{wrong:,}</b> of {int(rows['wrong'].sum()):,}" in line


def test_filters_combine(test_images):
    _, indices, _, _ = shown(true="cat", predicted="dog", sort="smallest margin")
    rows = library.table("basenet").loc[indices]
    assert set(rows["true"]) == {"cat"} and set(rows["predicted"]) == {"dog"}
    assert rows["margin"].is_monotonic_increasing


def test_an_empty_selection_says_zero(test_images):
    items, indices, line, _ = shown(true="cat", predicted="cat")
    assert items == indices == [] and "<b>0</b>" in line


@pytest.mark.parametrize("asked", [0, -3, None])
def test_a_page_before_the_first_is_the_first(test_images, asked):
    assert shown(number=asked)[3] == 1


def test_a_page_after_the_last_is_the_last(test_images):
    wrong = int(library.table("basenet")["wrong"].sum())
    assert shown(number=10**6)[3] == -(-wrong // tab.PAGE_SIZE)


def test_captions_read_alone(test_images):
    item = shown()[0][0]
    assert item["caption"].startswith(f"#{item['key']} ") and "seen as" in item["caption"]


def test_without_images_the_table_still_works(no_test_images):
    items, _, line, _ = shown()
    assert len(items) == tab.PAGE_SIZE and "seen as" in items[0]["caption"]
    assert "test images" in line
    assert "Heat maps need the test images" in tab.detail("basenet", int(items[0]["key"]))


def test_the_detail_shows_both_classes_on_one_scale(test_images):
    index = shown()[1][0]
    row = library.table("basenet").loc[index]
    card = tab.detail("basenet", index)
    assert f"heat map for {row['true']}" in card and f"heat map for {row['predicted']}" in card
    assert card.count('class="scale"') == 1


@pytest.mark.parametrize("data", [{"key": "10000"}, {"key": "-1"}, {"key": 5}, {}, None, "x"])
def test_a_forged_pick_shows_the_invitation(test_images, data):
    assert "Pick an image" in tab.picked("basenet", gr.EventData(None, data))[0]


def test_stepping_stays_on_the_page(test_images):
    indices = shown()[1]
    assert tab.step("basenet", indices, indices[0], 1)[1] == indices[1]
    assert tab.step("basenet", indices, indices[0], -1)[1] == indices[0]
    assert tab.step("basenet", indices, indices[-1], 1)[1] == indices[-1]
    assert tab.step("basenet", indices, None, 1)[1] == indices[0]
    assert tab.step("basenet", [], 5, 1)[1] is None


def test_the_true_class_has_a_bar_however_improbable(test_images):
    probabilities = np.array([0.9, *[0.012] * 8, 0.004])
    bars = tab.html.bars(probabilities, top_k=3, predicted=0, true=9)
    assert bars.count("track") == 4 and '<span class="true">truck</span>' in bars
