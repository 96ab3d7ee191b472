"""The page speaks the language of the browser, or the one that its visitor chooses."""

import json
import re

import pytest
from playwright.sync_api import expect

from cifar.ui.scripts import COMPONENTS

from .conftest import PATIENCE, _visitor

pytestmark = pytest.mark.browser

LANGUAGES = sorted(path.stem for path in (COMPONENTS / "text").glob("*.json"))


def table(language):
    return json.loads((COMPONENTS / "text" / f"{language}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_the_language_of_the_browser(browser, url, language):
    server = table(language)["server"]
    with _visitor(browser, locale=f"{language}-XX") as (page, problems):
        page.goto(url)
        headline = page.locator("#classify .headline")
        expect(headline).to_contain_text(server["this cat"], timeout=PATIENCE)
        expect(headline).to_contain_text(server["a dog"])
        assert page.locator("html").get_attribute("lang") == language
        tab = page.locator("#parts [role=tab]:visible", has_text=server["Mistakes"])
        tab.click()
        expect(page.locator("#explorer .matrix")).to_contain_text(server["cat"])
        expect(page.locator("#explorer .detail .pair figcaption").first).not_to_be_empty()
        seen = page.locator("body").inner_text()
        assert not re.search(r"\{\w+\}", seen)
        assert not re.search(r"\b(the|seen as|labelled|people)\b", seen), seen
        assert problems == []


def test_a_chosen_language_stays_and_links_may_name_one(browser, url):
    with _visitor(browser) as (page, _):
        page.goto(f"{url}?tab=mistakes")
        page.locator(".language select").select_option("de")
        german = table("de")["page"]
        expect(page.locator("#explorer .tabs")).to_contain_text(german["Compare"])
        assert "tab=mistakes" in page.url
        page.goto(url)
        expect(page.locator("#classify h2").nth(1)).to_have_text(german["What it says"])
        page.goto(f"{url}?lang=fr")
        heading = table("fr")["page"]["What it says"]
        expect(page.locator("#classify h2").nth(1)).to_have_text(heading)
