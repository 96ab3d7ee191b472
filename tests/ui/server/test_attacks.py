"""Attack a real server, byte for byte."""

import select
import socket
from urllib.parse import quote

import httpx
import pytest

from cifar.files import folder_hash
from cifar.report.screenshot import APP
from tests.serving import body_of, photo, status_of

pytestmark = pytest.mark.usefixtures("quiet")


LIGHT = {"model": "basenet", "image": {"index": 3}}

# Ways to write a path so that it leads elsewhere.
FORMS = {
    "plain": lambda path: path,
    "encoded": lambda path: quote(path, safe=""),
    "twice": lambda path: quote(quote(path, safe=""), safe=""),
    "up": lambda path: "../" * 12 + path.lstrip("/"),
    "up encoded": lambda path: "%2e%2e/" * 12 + path.lstrip("/"),
    "up wholly": lambda path: "%2e%2e%2f" * 12 + path.lstrip("/"),
    "up twice": lambda path: "%252e%252e%252f" * 12 + path.lstrip("/"),
    "backslash": lambda path: "..\\" * 12 + path.lstrip("/").replace("/", "\\"),
    "slashes": lambda path: "//" + path,
    "dots": lambda path: "/." * 3 + path,
    "zero": lambda path: path + "%00.png",
    "scheme": lambda path: "file://" + path,
}
ROUTES = [
    "/gradio_api/file=",
    "/gradio_api/file/",
    "/file=",
    "/static/",
    "/assets/",
    "/svelte/",
    "/theme.css/",
    "/gradio_api/proxy=",
    "/gradio_api/custom_component/x/client/component/",
    "/gradio_api/deep_link?deep_link=",
    "/pwa_icon/",
    "/",
]
PLACES = [
    "/proc/self/environ",
    "/etc/passwd",
    "~/.bashrc",
    "C:\\Windows\\win.ini",
    "\\\\host\\share",
]


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_leads_out_of_what_is_served(server, secret, route):
    content, paths = secret
    own = [APP, APP.parent / "checkpoints" / "resnet" / "config.json", *paths]
    stolen = [content, APP.read_bytes()[:200], b'"parameters"', b"root:", b"GRADIO_TEMP_DIR="]
    for place in [*map(str, own), *PLACES]:
        # Every way to write one path, and the plain one of all.
        for form, write in FORMS.items() if place == str(paths[0]) else [("plain", FORMS["plain"])]:
            answer = server.get(route + write(place).replace(" ", "%20"))
            assert status_of(answer) < 500, (place, form)
            assert b"Traceback" not in answer
            if status_of(answer) == 200:  # of no page that there is
                assert not any(one in body_of(answer) for one in stolen), (place, form)


def test_odd_paths_are_refused(server):
    for path in ("", ".", "..", "%00", "%ff%fe", "a" * 8000, "%F0%9F%90%B1", "?" * 99):
        assert status_of(server.get(f"/gradio_api/file={path}")) in (400, 403, 404), path


def test_gradios_own_parameters_lead_nowhere(server):
    for name in ("page", "deep_link"):
        for value in ("<script>", "../../etc", "x", "%00"):
            answer = server.get(f"/?{name}={value}")
            assert status_of(answer) in (200, 400) and b'<script>"' not in answer
            assert status_of(server.get(f"/config?{name}={value}")) in (200, 400)


def test_a_link_in_the_upload_folder_leads_nowhere(server, secret, ask):
    _, (path, *_) = secret
    link = server.home / "uploads" / "link.png"
    link.symlink_to(path)
    assert status_of(server.get(f"/gradio_api/file={link}")) == 403
    assert "did not arrive" in ask("see", {"path": str(link), "fit": "crop"})["error"]
    link.unlink()


def test_what_is_meant_to_be_served_is(server):
    path = server.upload("kept.png", b"kept")
    answer = server.get(f"/gradio_api/file={path}")
    assert status_of(answer) == 200 and body_of(answer) == b"kept"
    assert b"x-content-type-options: nosniff" in answer.lower()


def test_no_upload_is_opened_as_a_page(server):
    for name in ("page.html", "a.svg", "a.js", "a.xhtml", "a.xml", "<b>.html"):
        path = server.upload(name, b"<script>alert(1)</script>")
        head = server.get("/gradio_api/file=" + quote(path)).lower()
        assert b"content-disposition: attachment" in head and b"text/html" not in head, name


def test_an_upload_stays_in_its_folder(server):
    for name in ("../../x.png", "/etc/x.png", "..\\..\\x.png", "a\0b.png", "." * 300, "CON", "~/x"):
        files = {"files": (name, b"content")}
        answer = server.http.post(f"{server.url}/gradio_api/upload", files=files)
        if answer.status_code == 200:
            assert answer.json()[0].startswith(str(server.home / "uploads")), name
        assert answer.status_code < 500, name


def test_other_peoples_addresses_are_not_handed_on(server):
    for address in ("http://127.0.0.1:9/", "https://example.org/a.png", "HTTP://example.org"):
        for way in ("file=", "file/", "proxy="):
            assert status_of(server.get(f"/gradio_api/{way}{address}")) in (403, 404)
    assert server.hosts == set()


def test_what_the_app_does_not_use_is_closed(server):
    for path in (
        "gradio_api/process_recording", "gradio_api/vibe-edit", "gradio_api/vibe-code",
        "gradio_api/vibe-starter-queries", "gradio_api/undo-vibe-edit", "gradio_api/stream/x",
        "gradio_api/run-history/connect", "gradio_api/profiling/clear", "monitoring/summary",
    ):  # fmt: skip
        for method in ("GET", "POST"):
            answer = server.http.request(method, f"{server.url}/{path}", json={})
            assert (answer.status_code, answer.text) == (404, "This app does not have that."), path


# Bodies


def head(path, *lines):
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


def test_too_large_a_body_is_refused_before_it_is_sent(server):
    for path, size in (
        ("/gradio_api/component_server", 50_000_000),
        ("/gradio_api/component_server/", 9 * 10**17),
        ("/gradio_api/queue/join", 2_000_000),
        ("/gradio_api/call/v2/classify", 2_000_000),
        ("/gradio_api/run/predict", 2_000_000),
        ("/gradio_api/upload", 22_100_000),
    ):
        kind = "multipart/form-data; boundary=b" if "upload" in path else "application/json"
        answer = server.raw(head(path, f"Content-Type: {kind}", f"Content-Length: {size}"))
        assert status_of(answer) == 413, path
        assert body_of(answer).endswith(b".") and b"large" in body_of(answer)


def test_a_body_without_end_is_broken_off(server):
    lines = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    for path in ("component_server", "queue/join", "call/classify", "run/predict"):
        sent, answer = server.flood(head(f"/gradio_api/{path}", *lines), b"[" * 65536)
        assert sent < 16 * 2**20 and (not answer or status_of(answer) == 413)
    kind = "Content-Type: multipart/form-data; boundary=b"
    part = b'--b\r\nContent-Disposition: form-data; name="files"%b\r\n\r\n'
    for named in (b'; filename="a.png"', b""):
        begin = part % named
        start = head("/gradio_api/upload", lines[0], kind) + b"%x\r\n%b\r\n" % (len(begin), begin)
        sent, answer = server.flood(start, b"x" * 65536)
        assert sent < 48 * 2**20 and (not answer or status_of(answer) == 413)


def test_a_length_that_lies_harms_nobody(server, ask):
    for length in ("-5", "abc", "1e9", "5, 6", "9" * 40):
        answer = server.raw(
            head("/gradio_api/component_server", f"Content-Length: {length}") + b"{}"
        )
        assert status_of(answer) == 400
    assert "probabilities" in ask("look", LIGHT)


def test_many_files_at_once_are_refused(server):
    files = [("files", (f"{k}.png", b"x")) for k in range(11)]
    answer = server.http.post(f"{server.url}/gradio_api/upload", files=files)
    assert (answer.status_code, answer.text) == (413, "Send at most 10 files at a time.")
    answer = server.http.post(f"{server.url}/gradio_api/upload", files=files[:10])
    assert answer.status_code == 200 and len(answer.json()) == 10


def test_a_file_above_the_limit_is_refused_and_one_below_it_is_not(server):
    url = f"{server.url}/gradio_api/upload"
    answer = server.http.post(url, files={"files": ("a.png", bytes(20_971_000))})
    assert answer.status_code == 200
    with pytest.raises(httpx.TransportError):  # answered while it was still sent
        told = server.http.post(url, files={"files": ("a.png", bytes(23_000_000))})
        assert told.status_code == 413 and "20 MB" in told.text
        raise httpx.WriteError("answered in time")


def test_an_upload_that_stops_blocks_nobody(server, ask):
    """While all are still stalled: the server gives none of them up in an hour."""
    kind = "Content-Type: multipart/form-data; boundary=b"
    begin = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nxx'
    held = []
    try:
        for _ in range(60):  # more than there are threads
            held.append(socket.create_connection(server.address, timeout=20))
            held[-1].sendall(head("/gradio_api/upload", kind, "Content-Length: 5000") + begin)
        path = server.upload("bus.png", photo("bus.png").read_bytes())
        assert "pixels" in ask("see", {"path": path, "fit": "crop"})
        assert "probabilities" in ask("look", LIGHT)
        assert select.select(held, [], [], 0)[0] == []
    finally:
        for connection in held:
            connection.close()


def test_a_visitor_who_reads_slowly_or_not_at_all_blocks_nobody(server, ask, explore):
    file = explore("asset", {"kind": "pack", "name": "images"})["file"]
    target = f"/gradio_api/file={server.home}/made/{file}"
    held = []
    try:
        for _ in range(60):
            held.append(socket.create_connection(server.address, timeout=20))
            held[-1].sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert held[-1].recv(1) == b"H"  # and no more of it
        assert "probabilities" in ask("look", LIGHT)
    finally:
        for connection in held:
            connection.close()


# Questions of the page


DEEP = "[" * 10_000 + "]" * 10_000
ODD = [None, float("nan"), 10**30, [[]], "a\0b", "x" * 100_000]
GOOD = {
    "see": {"path": "x", "fit": "crop", "box": None},
    "look": LIGHT | {"method": "gradcam"},
    "trust": LIGHT | {"target": 3},
    "probes": LIGHT,
    "bundle": LIGHT | {"classes": [3]},
    "asset": {"kind": "pack", "name": "images"},
    "compare_upload": {"path": "x", "name": "x"},
}
# What must be refused whatever else is right; other keys have a default, or many right values.
STRICT = {
    "see": ["path", "fit"],
    "look": ["model", "image"],
    "trust": ["model", "image", "target"],
    "probes": ["model", "image"],
    "bundle": ["model", "image"],
    "asset": ["name"],
    "compare_upload": ["path"],
}


def one_sentence(answer):
    assert isinstance(answer, dict) and answer.keys() == {"error"}, answer
    said = answer["error"]
    assert said.endswith((".", "?")) and "Traceback" not in said and len(said) < 400, said


@pytest.mark.parametrize("name", GOOD)
def test_a_forged_question_gets_one_sentence(ask, explore, name):
    """Over HTTP; tests/ui tries more, in process."""
    put = explore if name in ("asset", "compare_upload") else ask
    for odd in ODD:
        for key in STRICT[name]:
            one_sentence(put(name, GOOD[name] | {key: odd}))
        if "image" in GOOD[name]:
            one_sentence(put(name, GOOD[name] | {"image": {"index": odd}}))
            one_sentence(put(name, GOOD[name] | {"image": {"pixels": odd}}))
        one_sentence(put(name, odd))


# Pages of others


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://["])
def test_a_page_of_another_origin_gets_nothing_and_sends_nothing(server, origin):
    before = sorted((server.home / "uploads").rglob("*"))
    for path, sent in (
        ("upload", {"files": {"files": ("a.png", b"of another page")}}),
        ("component_server", {"json": {}}),
        ("run/predict", {"json": {"data": [], "fn_index": 0}}),
    ):
        url = f"{server.url}/gradio_api/{path}"
        answer = server.http.post(url, headers={"Origin": origin}, **sent)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert sorted((server.home / "uploads").rglob("*")) == before
    for path in ("", "/config", "/gradio_api/info"):
        answer = server.http.get(server.url + path, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = server.http.options(f"{server.url}/gradio_api/upload", headers=asked)
    assert "access-control-allow-origin" not in answer.headers


def test_the_apps_own_page_may_ask(server):
    for origin in (server.url, server.url.replace("127.0.0.1", "localhost")):
        answer = server.http.get(f"{server.url}/config", headers={"Origin": origin})
        assert answer.status_code == 200


# Whom the server itself asks


def test_the_server_connects_to_nobody_but_itself(server, ask, explore):
    path = server.upload("bus.png", photo("bus.png").read_bytes())
    assert "pixels" in ask("see", {"path": path, "fit": "crop"})
    assert "probabilities" in ask("look", {"model": "resnet", "image": {"index": 3}})
    explore("asset", {"kind": "pack", "name": "published"})
    assert server.connections and server.hosts == set()  # Gradio asks itself whether it is there


def test_scripts_are_served_by_their_content_and_may_be_kept(server):
    folder = next((APP.parent / "cifar" / "ui" / "components").glob("*.js")).parent
    base = f"/components/{folder_hash(folder)}"
    for path in ("gradio.js", "shared/base.css", "explorer/pack.js"):
        answer = server.http.get(f"{server.url}{base}/{path}")
        assert answer.content == (folder / path).read_bytes()
        assert answer.headers["cache-control"] == "max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"].startswith(
            "text/css" if path.endswith("css") else "text/javascript"
        )
    for path in (f"{base}/../app.py", f"{base}/%2e%2e/app.py", f"{base}/..%2f..%2fapp.py"):
        assert status_of(server.get(path)) == 404, path
    assert status_of(server.get("/components/000000000000/gradio.js")) == 404
