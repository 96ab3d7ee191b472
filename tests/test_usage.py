"""README's calls of the app answer what README shows."""

import json
import re

import pytest

from cifar import usage
from cifar.screenshot import APP
from cifar.usage import CALL, UsageError, printed, readme_section, refreshed

README = APP.parent / "README.md"
NUMBER = re.compile(r"-?\b\d+\.\d+(?:e-?\d+)?")
TOLERANCE = 1e-3  # of decimals: another processor's answers differ by less
PYTHON, SHELL = "```python\nprint('{}')\n```", "```sh\necho {}\n```"


def alike(shown, now):
    """Whether two texts say the same, but for the last digits of decimal numbers."""
    if NUMBER.sub("#", shown) != NUMBER.sub("#", now):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(now), strict=True)
    return all(abs(float(one) - float(other)) <= TOLERANCE for one, other in pairs)


def shown():
    text = README.read_text(encoding="utf-8")
    return text.partition("<!-- api -->\n")[2].partition("\n<!-- /api -->")[0]


def test_numbers_may_differ_in_their_last_digits_alone():
    assert alike("dog 0.538596, 69 images", "dog 0.538597, 69 images")
    assert not alike("dog 0.538596", "dog 0.638596")
    assert not alike("dog 0.538596", "cat 0.538596")
    assert not alike("69 images", "70 images")


@pytest.mark.slow
def test_readme_shows_what_its_calls_print(test_split, annotations):
    text = README.read_text(encoding="utf-8")
    now = readme_section(text)
    assert alike(shown(), now), now


def test_readme_shows_a_call_in_python_and_one_with_curl():
    assert [language for language, *_ in CALL.findall(shown())] == ["python", "sh"]


def test_readme_names_every_call_and_where_mcp_clients_find_them():
    text = README.read_text(encoding="utf-8")
    for name in ("classify", "explain", "list_mistakes", "get_mistake", "compare"):
        assert f"`{name}`" in text
    config = json.loads(re.search(r"```json\n(.*?)```", shown(), re.DOTALL).group(1))
    (server,) = config["mcpServers"].values()
    assert server == {"url": f"{usage.ADDRESS}/gradio_api/mcp/"}


@pytest.mark.parametrize("block", [PYTHON, SHELL])
def test_what_a_call_prints_is_written_below_it(block):
    section = f"Say:\n\n{block}\n\n```text\nold\n```\n\nDone."
    found = refreshed(section.format(usage.ADDRESS), "http://127.0.0.1:1234")
    assert found == section.replace("old", "{}").format(usage.ADDRESS, usage.ADDRESS)


def test_the_server_is_asked_at_its_own_address():
    code = f"case {usage.ADDRESS} in *:1234) echo other;; esac; ls"
    assert printed("sh", code, "http://127.0.0.1:1234") == "other\nbus.png\n"


@pytest.mark.parametrize(("language", "code"), [("sh", "ls nowhere"), ("python", "1 / 0")])
def test_a_call_that_fails_is_one_sentence(language, code):
    with pytest.raises(UsageError, match=f"The {language} calls of README.md fail") as caught:
        printed(language, code, usage.ADDRESS)
    assert "\n" not in str(caught.value)
