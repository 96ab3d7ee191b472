"""HTTP calls to a running app, as its own page makes them."""

from collections.abc import Callable

import httpx


def upload(client: httpx.Client, url: str, content: bytes) -> str:
    """Upload a JPEG photograph, and return its path on the server."""
    files = {"files": ("photograph.jpg", content, "image/jpeg")}
    return client.post(f"{url}/gradio_api/upload", files=files).raise_for_status().json()[0]


def component(client: httpx.Client, url: str, elem_id: str) -> dict:
    """Return the component with this id from the configuration of the page."""
    config = client.get(f"{url}/config").raise_for_status().json()
    return next(c for c in config["components"] if c["props"].get("elem_id") == elem_id)


def component_function(
    client: httpx.Client, url: str, elem_id: str, function: str
) -> Callable[[dict], dict]:
    """Return a function that calls a component's server function as the page does.

    It raises RuntimeError if the server answers with an error.
    """
    component_id = component(client, url, elem_id)["id"]

    def call(question: dict) -> dict:
        body = {
            "data": question,
            "component_id": component_id,
            "fn_name": function,
            "session_hash": "bench",
        }
        response = client.post(f"{url}/gradio_api/component_server", json=body)
        answer = response.raise_for_status().json()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{function}: {answer['error']}")
        return answer

    return call
