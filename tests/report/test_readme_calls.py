"""The calls in docs/api.md print what the page shows."""

import re

import pytest

from cifar.report import readme_calls
from cifar.report.readme_calls import UsageError, run_call, update_outputs
from cifar.report.readme_tables import API

NUMBER = re.compile(r"-?\b\d+\.\d+(?:e-?\d+)?")
TOLERANCE = 1e-3  # of decimals: another processor's answers differ by less
PYTHON, SHELL = "```python\nprint('{0}')\n```", "```sh\necho {0}\n```"


def alike(shown, now):
    """Compare two texts, but for the last digits of decimal numbers."""
    if NUMBER.sub("#", shown) != NUMBER.sub("#", now):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(now), strict=True)
    return all(abs(float(one) - float(other)) <= TOLERANCE for one, other in pairs)


def shown():
    text = API.read_text(encoding="utf-8")
    return text.partition("<!-- api -->\n")[2].partition("\n<!-- /api -->")[0]


@pytest.mark.slow
def test_readme_shows_what_its_calls_print(url):
    now = update_outputs(shown(), url)
    assert alike(shown(), now), now


def test_what_a_call_prints_is_written_below_it():
    section = f"Say:\n\n{PYTHON}\n\n```text\nold\n```\n\n{SHELL}\n\n```text\nold\n```\n\nDone."
    found = update_outputs(section.format(readme_calls.ADDRESS), "http://127.0.0.1:1234")
    assert found == section.replace("old", "{0}").format(readme_calls.ADDRESS)


def test_the_server_is_asked_at_its_own_address():
    code = f"case {readme_calls.ADDRESS} in *:1234) echo other;; esac; ls"
    assert run_call("sh", code, "http://127.0.0.1:1234") == "other\nbus.png\n"


@pytest.mark.parametrize(("language", "code"), [("sh", "ls nowhere"), ("python", "1 / 0")])
def test_a_call_that_fails_is_one_sentence(language, code):
    with pytest.raises(UsageError, match=f"The {language} calls of docs/api.md fail") as caught:
        run_call(language, code, readme_calls.ADDRESS)
    assert "\n" not in str(caught.value)
