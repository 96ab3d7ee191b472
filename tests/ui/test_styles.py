"""Properties that the style sheets of the components take from each other are there."""

import re

from cifar import PACKAGE

COMPONENTS = PACKAGE / "ui" / "components"


def test_every_property_without_a_default_is_set_by_a_component():
    """The page around them may be Gradio's or the static site: it sets none that must be there."""
    sheets = [path.read_text(encoding="utf-8") for path in COMPONENTS.rglob("*.css")]
    scripts = [path.read_text(encoding="utf-8") for path in COMPONENTS.rglob("*.js")]
    used = {name for text in sheets for name in re.findall(r"var\((--[\w-]+)\)", text)}
    set_in_sheets = {name for text in sheets for name in re.findall(r"(--[\w-]+):", text)}
    set_in_scripts = {name for text in scripts for name in re.findall(r'"(--[\w-]+)"', text)}
    assert used - set_in_sheets - set_in_scripts == set() and len(used) > 10
