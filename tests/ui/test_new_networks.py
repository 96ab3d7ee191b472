"""A network that is added while the app runs is in the page that is sent next."""

import subprocess
import sys

from cifar import PROJECT

# In a process of its own, as a layout keeps event loops open.
CODE = """
import asyncio

from app import demo
from cifar.explore import store
from cifar.ui.new_networks import NewNetworks, refresh

def props(name):
    parts = [one["props"] for one in demo.config["components"]]
    (found,) = [part for part in parts if part.get("elem_id") == name]
    return found

async def app(scope, receive, send):
    pass

def ask(path):
    asyncio.run(NewNetworks(app, demo)({"type": "http", "path": path}, None, None))

before = demo.config
refresh(demo)
assert demo.config is before  # nothing is new
choices = store.choices()
assert len(choices) > 1
store.choices = lambda: choices[:1]
ask("/theme.css")
assert demo.config is before
ask("/")
assert [tuple(choice) for choice in props("model")["choices"]] == choices[:1]
assert len(props("explorer")["props"]["page"]["models"]) == 1
others = store.answers_names()
store.answers_names = lambda: others[1:]
ask("/")
assert len(props("explorer")["props"]["page"]["others"]) == len(others) - 1
assert list(props("classify")["props"]["page"]["facts"]) == [choices[0][1]]
"""


def test_the_page_follows_the_networks():
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
