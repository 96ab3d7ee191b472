"""Script in whatever a visitor can name: nothing of it may run in the page."""

import re
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from cifar.explore import store
from tests.serving import photo

pytestmark = pytest.mark.browser

SCRIPTS = (
    "<img src=x onerror=window.owned=1>",
    "\"><script>window.owned=1</script><a title='",
    "javascript:window.owned=1;//';window.owned=1;//{{constructor.constructor('owned=1')()}}",
)
PARAMETERS = (
    "model", "true", "pred", "verdict", "sort", "slice", "outcome", "agreement", "id", "with",
    "cell", "people", "method", "panel", "tags", "__theme", "view", "deep_link",
)  # fmt: skip


def harmless(page, dialogs):
    assert dialogs == []
    assert page.evaluate("window.owned") is None
    assert page.locator("[onerror], img[src=x]").count() == 0


@pytest.fixture
def dialogs():
    return []


def test_a_link_runs_nothing(visit, dialogs):
    """Three visits, in which each parameter holds each script once."""
    explorer = visit()
    explorer.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for turn, script in enumerate(SCRIPTS):
        hostile = {
            name: SCRIPTS[(place + turn) % len(SCRIPTS)] for place, name in enumerate(PARAMETERS)
        }
        asked = urlencode(hostile | {script: script})
        explorer.visit(f"/?{asked}#{urlencode({script: script})}")
        harmless(explorer.page, dialogs)
        for panel in ("Matrix", "Map", "Slices", "Compare"):
            explorer.panel(panel)
        harmless(explorer.page, dialogs)


def test_the_name_of_a_picture_runs_nothing(classify_tab, dialogs):
    tab = classify_tab()
    tab.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for script in SCRIPTS[:2]:
        name = f"{script}.png"
        tab.choose({"name": name, "mimeType": "image/png", "buffer": photo("bus.png").read_bytes()})
        # It stands for the picture, as what it is: a text.
        expect(tab.root.get_by_alt_text(name, exact=True)).to_be_visible()
        tab.root.locator(".answer:not(.old)").wait_for()
        harmless(tab.page, dialogs)
        tab.choose({"name": name, "mimeType": "image/png", "buffer": b"no picture"})
        tab.problem.wait_for()
        harmless(tab.page, dialogs)


def test_the_name_of_predictions_runs_nothing(visit, tmp_path, dialogs):
    np.save(tmp_path / "a.npy", store.predictions("basenet").logits)
    content = (tmp_path / "a.npy").read_bytes()
    explorer = visit()
    page = explorer.page
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    explorer.panel("Compare")
    page.get_by_text("Compare with anybody's predictions").click()
    file = {"name": "<img src=x onerror=window.owned=1>.npy", "buffer": content}
    page.get_by_label("predictions file").set_input_files(file | {"mimeType": "text/plain"})
    expect(explorer.menu("the other model")).to_have_value(re.compile("^upload-"))
    explorer.quarter("fixed").click()
    harmless(page, dialogs)
    broken = file | {"mimeType": "text/plain", "buffer": b"none"}
    page.get_by_label("predictions file").set_input_files(broken)
    expect(page.locator("#explorer .compare .problem:visible").first).to_be_visible()
    harmless(page, dialogs)
