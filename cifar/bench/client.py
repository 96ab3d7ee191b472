"""Asking a running app what its own page asks."""

from collections.abc import Callable

import httpx


def uploaded(client: httpx.Client, url: str, content: bytes) -> str:
    """Where the server put a photograph that was sent to it."""
    files = {"files": ("photograph.jpg", content, "image/jpeg")}
    return client.post(f"{url}/gradio_api/upload", files=files).raise_for_status().json()[0]


def component(client: httpx.Client, url: str, elem_id: str) -> dict:
    """A component of a page, as its configuration describes it."""
    config = client.get(f"{url}/config").raise_for_status().json()
    return next(c for c in config["components"] if c["props"].get("elem_id") == elem_id)


def component_function(
    client: httpx.Client, url: str, elem_id: str, function: str
) -> Callable[[dict], dict]:
    """A component's server function, called the way the page does."""
    number = component(client, url, elem_id)["id"]

    def call(question: dict) -> dict:
        body = {
            "data": question,
            "component_id": number,
            "fn_name": function,
            "session_hash": "bench",
        }
        response = client.post(f"{url}/gradio_api/component_server", json=body)
        answer = response.raise_for_status().json()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{function}: {answer['error']}")
        return answer

    return call
