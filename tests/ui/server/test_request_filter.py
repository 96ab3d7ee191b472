"""The request filter alone, with messages as a server hands them over."""

import shutil
from types import SimpleNamespace

import anyio
import pytest
from starlette.responses import PlainTextResponse

from cifar.ui.security import request_filter
from cifar.ui.security.request_filter import RequestFilter


@pytest.fixture
def answer():
    """A function: the status and sentence for a POST whose body comes in so many chunks."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("read")(scope, receive, send)

    def ask(path, chunks, *, ends=True, mcp=False, root_path="", **headers):
        sent, told = list(chunks), []

        async def receive():
            if not sent:
                await anyio.sleep_forever()
            chunk = sent.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(sent) or not ends}

        async def send(message):
            told.append(message)

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http", "method": "POST", "path": path, "query_string": b"",
            "headers": [(b"transfer-encoding", b"chunked"), *raw],
        }  # fmt: skip
        demo = SimpleNamespace(mcp_server=mcp, root_path=root_path)
        anyio.run(RequestFilter(app, demo), scope, receive, send)
        start, *rest = told
        return start["status"], b"".join(message["body"] for message in rest).decode()

    return ask


def test_a_body_that_stops_is_given_up(answer, monkeypatch):
    monkeypatch.setattr(request_filter, "STALLED", 0.05)
    for path in ("/gradio_api/upload", "/gradio_api/component_server"):
        status, sentence = answer(path, [b"{"], ends=False)
        assert (status, sentence) == (408, "The rest of this request did not come: send it again.")


def test_a_body_that_drips_is_given_up(answer, monkeypatch):
    """Each part comes in time, but the whole never does."""
    monkeypatch.setattr(request_filter, "WHOLE", 0)
    status, sentence = answer("/gradio_api/upload", [b"{"] * 1000, ends=False)
    assert (status, sentence) == (408, "The rest of this request did not come: send it again.")


def test_a_full_disk_takes_no_uploads(answer, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: usage._replace(free=request_filter.SPARE - 1)
    )
    status, sentence = answer("/gradio_api/upload", [b"x"])
    assert status == 507 and "no room for pictures" in sentence
    assert answer("/gradio_api/theme", [b"x"]) == (200, "read")


@pytest.mark.parametrize(
    ("path", "mcp", "most"),
    [
        ("/gradio_api/upload", False, request_filter.LARGE),
        (
            "/gradio_api/mcp/",
            True,
            2 * request_filter.LARGE,
        ),  # a picture as text, which is a third longer
        ("/gradio_api/mcp/", False, request_filter.SMALL),
        ("/gradio_api/heartbeat/a", True, request_filter.SMALL),
    ],
)
def test_a_body_may_be_as_large_as_its_use_is(answer, path, mcp, most):
    whole, more = bytes(most // 4), bytes(most % 4)
    assert answer(path, [whole] * 4 + [more], mcp=mcp) == (200, "read")
    status, sentence = answer(path, [whole] * 4 + [more, b"x", b"never read"], mcp=mcp)
    assert status == 413 and "large" in sentence


def test_a_boundary_cut_in_two_is_counted(answer):
    kind = {"content_type": "multipart/form-data; boundary=line"}
    body = b"--line\r\n\r\nx\r\n" * request_filter.FILES + b"--line--"
    whole = "/gradio_api/upload", [bytes([value]) for value in body]
    assert answer(*whole, **kind) == (200, "read")
    status, sentence = answer(whole[0], [bytes([v]) for v in b"--line\r\n" + body], **kind)
    assert status == 413 and "at most 10 files" in sentence


# Pages of other sites, and this app's own behind a reverse proxy that names itself in Host


OWN = {"host": "127.0.0.1:7860", "origin": "https://lens.example"}


@pytest.mark.parametrize(
    ("headers", "root_path"),
    [
        ({"x_forwarded_host": "lens.example"}, ""),
        ({"x_forwarded_host": "lens.example:8443", "origin": "https://lens.example:8443"}, ""),
        ({"x_forwarded_host": "lens.example, proxy.within"}, "/lens"),
        ({"sec_fetch_site": "same-origin"}, ""),
        ({}, "https://lens.example/lens"),
        ({"host": "lens.example"}, ""),
        ({"origin": "http://localhost:7860"}, ""),
    ],
)
def test_the_apps_own_page_is_answered_behind_a_proxy(answer, headers, root_path):
    path = "/gradio_api/component_server"
    assert answer(path, [b"{}"], root_path=root_path, **OWN | headers) == (200, "read")


@pytest.mark.parametrize(
    ("headers", "root_path"),
    [
        ({}, ""),
        ({}, "/lens.example"),
        ({"sec_fetch_site": "cross-site"}, ""),
        ({"sec_fetch_site": "same-site"}, ""),
        ({"x_forwarded_host": "other.example"}, ""),
        ({"x_forwarded_host": "other.example, lens.example"}, ""),
        ({"x_forwarded_host": ""}, "https://other.example"),
        ({"origin": "null"}, ""),
        ({"origin": "null", "x_forwarded_host": "["}, ""),
        ({"host": "[::1]:7860"}, ""),
    ],
)
def test_a_page_of_another_site_is_refused_in_one_line(answer, caplog, headers, root_path):
    status, sentence = answer("/gradio_api/upload", [b"x"], root_path=root_path, **OWN | headers)
    assert status == 403 and sentence.startswith("Only this app's own page")
    (line,) = caplog.messages
    assert line.startswith("POST '/gradio_api/upload' was refused: Only this app's own page")
    assert (OWN | headers)["origin"] in line
