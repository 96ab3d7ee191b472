"""Send requests that no page sends: Gradio answers with an error, and our code is not reached.

Gradio may log a traceback of them.
"""

import json

import pytest

from tests.ui.server.test_attacks import DEEP, LIGHT, ODD


@pytest.mark.parametrize("path", ["component_server", "queue/join", "run/predict", "call/classify"])
def test_a_body_that_is_no_question_is_an_error(server, path):
    for body in (
        "", "null", "[]", "3", DEEP, '{"data": ' + DEEP + "}", "{" * 10_000, "\xff", "9" * 5000,
        "{}", '{"data": {}, "component_id": 1, "session_hash": "s", "fn_name": "postprocess"}',
    ):  # fmt: skip
        answer = server.http.post(
            f"{server.url}/gradio_api/{path}",
            content=body.encode("latin-1"),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code >= 400 and "Traceback" not in answer.text, body[:50]


def test_no_other_function_is_reached(ask):
    for change in (
        {"component_id": 10**9}, {"component_id": "1"}, {"component_id": None},
        {"component_id": [1]}, {"fn_name": "__init__"}, {"fn_name": 3},
        {"fn_name": "preprocess"}, {"fn_name": ["look"]}, {"fn_name": "look.__globals__"},
    ):  # fmt: skip
        answer = ask("look", LIGHT, **change)
        assert "probabilities" not in answer and "Traceback" not in str(answer), change


def test_questions_as_forms_are_errors(server):
    for path in ("component_server", "queue/join", "run/predict"):
        for form in ({"data": {"a": "b"}}, {"files": {"files": ("a.png", b"x")}}):
            answer = server.http.post(f"{server.url}/gradio_api/{path}", **form)
            assert answer.status_code >= 400 and "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("classify", {"image": {"path": "/etc/passwd"}}),
        ("classify", {"image": {"path": "a\0b", "meta": {"_type": "gradio.FileData"}}}),
        ("classify", {"image": {"path": "/etc/passwd", "meta": 3}}),
        ("nothing", {}), ("_lambda", {}),
    ],
)  # fmt: skip
def test_a_forged_call_is_an_error(server, call, arguments):
    base = f"{server.url}/gradio_api/call"
    asked = server.http.post(f"{base}/v2/{call}", json=arguments)
    if asked.status_code != 200:
        assert "Traceback" not in asked.text
        return
    told = server.http.get(f"{base}/{call}/{asked.json()['event_id']}").text
    assert "event: error" in told and "root:" not in told and len(told) < 1000


# The page's own events


def test_the_pages_own_events_only_show_what_anybody_sees(server):
    """By name none is reached. By number all are, as by the page: they take a model or nothing."""
    functions = server.config()["dependencies"]
    private = [fn for fn in functions if fn["api_visibility"] == "private"]
    assert len(functions) - len(private) == 5
    for fn in private:
        named = f"{server.url}/gradio_api/call/v2/{fn['api_name']}"
        assert server.http.post(named, json={}).status_code >= 400
        for odd in ODD[1:]:
            data = [odd] * len(fn["inputs"])
            for body in ({"data": data}, {"data": [*data, 1]}, {"data": None}):
                content = json.dumps(body | {"fn_index": fn["id"], "session_hash": "s"})
                answer = server.http.post(
                    f"{server.url}/gradio_api/run/predict",
                    content=content,
                    headers={"Content-Type": "application/json"},
                )
                if body == {"data": data} and not data:
                    assert answer.status_code == 200
                    break  # takes nothing: the values make no difference
                assert answer.status_code >= 400, (fn["id"], body)
        assert len(fn["inputs"]) <= 1
