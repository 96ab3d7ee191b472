"""A network that is added while the app runs is in the page that is sent next."""

import asyncio

import pytest

from cifar.explore import store
from cifar.ui.app import build
from cifar.ui.new_networks import NewNetworks, refresh


@pytest.fixture
def demo():
    return build()


def props(demo, name):
    (found,) = (
        component["props"]
        for component in demo.config["components"]
        if component["props"].get("elem_id") == name
    )
    return found


def test_the_layout_follows_the_networks(demo, monkeypatch):
    refresh(demo)
    before = demo.config
    refresh(demo)
    assert demo.config is before  # nothing is new
    choices = store.choices()
    assert len(choices) > 1
    monkeypatch.setattr(store, "choices", lambda: choices[:1])
    refresh(demo)
    assert [tuple(choice) for choice in props(demo, "model")["choices"]] == choices[:1]
    assert len(props(demo, "explorer")["page"]["models"]) == 1
    assert list(props(demo, "classify")["page"]["facts"]) == [choices[0][1]]


@pytest.mark.parametrize(("path", "refreshed"), [("/", True), ("/theme.css", False)])
def test_only_the_page_itself_is_brought_up_to_date(demo, monkeypatch, path, refreshed):
    choices, passed = store.choices(), []
    monkeypatch.setattr(store, "choices", lambda: choices[:1])

    async def app(scope, receive, send):
        passed.append(scope["path"])

    asyncio.run(NewNetworks(app, demo)({"type": "http", "path": path}, None, None))
    shown = props(demo, "model")["choices"]
    assert (len(shown) == 1) is refreshed and passed == [path]
