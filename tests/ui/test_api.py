"""The calls of programs, made as programs do: with gradio_client, over plain HTTP and over MCP."""

import base64
import io
import json
import re
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import httpx
import jsonschema
import numpy as np
import pytest
from gradio import Error
from gradio.utils import get_function_description
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from cifar import CLASSES, LensError
from cifar.data import remote_pictures
from cifar.data.pictures import FITS, network_view, open_image, see
from cifar.evaluation.classifier import classify
from cifar.evaluation.metrics import probabilities, proportion
from cifar.explain.drawing import overlay
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS, default_choice
from cifar.explore import mistakes, store
from cifar.explore.verdicts import VERDICTS
from cifar.ui.api import endpoints, pictures
from cifar.ui.api import recorded as calls
from cifar.ui.security.sent_pictures import picture_file
from tests.serving import photo

MODEL = "basenet"
CALLS = ["classify", "explain", "list_mistakes", "get_mistake", "compare"]
BUS = photo("bus.png")


@pytest.fixture(scope="module")
def client(url, tmp_path_factory):
    return Client(url, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture
def post(url):
    """A function that asks as curl does: the kind of the last event, and what it holds."""

    def ask(name, **arguments):
        with httpx.Client(base_url=f"{url}/gradio_api", timeout=120) as http:
            asked = http.post(f"/call/v2/{name}", json=arguments).raise_for_status()
            told = http.get(f"/call/{name}/{asked.json()['event_id']}").raise_for_status().text
        event, data = told.strip().split("\n")[-2:]
        return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    return ask


@pytest.fixture(scope="module")
def uploaded(url):
    """Where the server put the picture of a bus."""
    files = {"files": (BUS.name, BUS.read_bytes())}
    return httpx.post(f"{url}/gradio_api/upload", files=files).raise_for_status().json()[0]


@pytest.fixture
def own_server():
    """The address of a server on this computer, and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(BUS.read_bytes())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/bus.png", asked
        server.shutdown()


def said_of_the_bus(model, fit="crop"):
    return classify(store.load(model), see(open_image(BUS), fit))


def check_bus(found, model, top_k, fit="crop"):
    said = said_of_the_bus(model, fit)
    shares = [(one["class"], one["probability"]) for one in found["probabilities"]]
    assert [name for name, _ in shares] == [name for name, _ in said.top(top_k)]
    np.testing.assert_allclose(
        [share for _, share in shares], [share for _, share in said.top(top_k)], atol=1e-5
    )
    assert found["predicted"] == CLASSES[said.predicted]
    assert found["confidence"] == pytest.approx(said.confidence, abs=1e-5)
    assert (found["model"], found["weights_sha256"]) == (model, store.load(model).sha256)


def pixels(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


# What is there


def test_five_calls_and_nothing_else_are_named(url):
    info = httpx.get(f"{url}/gradio_api/info").raise_for_status().json()
    assert list(info["named_endpoints"]) == [f"/{name}" for name in CALLS]
    assert info["unnamed_endpoints"] == {}


def test_every_call_and_every_parameter_is_described(url):
    info = httpx.get(f"{url}/gradio_api/info").raise_for_status().json()["named_endpoints"]
    for call in info.values():
        assert call["description"].endswith(".")
        for parameter in call["parameters"]:
            assert parameter["type"]["description"], parameter
    explain = {one["parameter_name"]: one for one in info["/explain"]["parameters"]}
    assert explain["target"]["type"]["enum"] == ["", *CLASSES]
    assert explain["method"]["type"]["enum"] == ["", *METHODS]
    assert explain["fit"]["type"]["enum"] == list(FITS)
    assert explain["model"]["type"]["enum"] == ["resnet", "basenet"]
    assert explain["model"]["parameter_default"] == "resnet"
    assert explain["image"]["python_type"]["type"] == "filepath"
    top_k = info["/classify"]["parameters"][2]["type"]
    assert (top_k["type"], top_k["minimum"], top_k["maximum"]) == ("integer", 1, 10)


@pytest.mark.parametrize("name", ["fetch", "model_of_address", "show", "card", "see", "look"])
def test_what_belongs_to_the_page_is_no_call(client, url, name):
    with pytest.raises(ValueError, match="Cannot find a function"):
        client.predict(api_name=f"/{name}")
    assert httpx.post(f"{url}/gradio_api/call/v2/{name}", json={}).status_code >= 400


# The five calls


def test_a_file_is_classified(client):
    found = client.predict(handle_file(BUS), MODEL, 10, "fit", api_name="/classify")
    check_bus(found, MODEL, 10, "fit")
    # The best model answers unless another is named.
    check_bus(client.predict(handle_file(BUS), api_name="/classify"), "resnet", 3)


def test_curl_classifies_an_upload(post, uploaded):
    for image in (
        {"path": uploaded},
        {"path": uploaded, "meta": {"_type": "gradio.FileData"}},
    ):
        event, (found,) = post("classify", image=image, model=MODEL, top_k=2)
        assert event == "complete"
        check_bus(found, MODEL, 2)


def test_the_servers_own_address_of_an_upload_will_do(client, url, uploaded):
    address = f"{url}/gradio_api/file={uploaded}"
    check_bus(client.predict(handle_file(address), MODEL, api_name="/classify"), MODEL, 3)


def test_a_doubtful_answer_says_so(client, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    found = client.predict(handle_file(tmp_path / "noise.png"), "resnet", api_name="/classify")
    assert "unlike CIFAR-10" in [notice["title"] for notice in found["notices"]]
    assert all(notice["text"].endswith(".") for notice in found["notices"])


@pytest.mark.parametrize(
    ("target", "method", "layer"), [("", "", ""), ("ship", "gradcam", "stage3"), ("cat", "", "")]
)
def test_a_class_is_explained(client, target, method, layer):
    ckpt, seen = store.load(MODEL), network_view(open_image(BUS))
    path, found = client.predict(
        handle_file(BUS), MODEL, target, method, layer, api_name="/explain"
    )
    wanted = target or CLASSES[said_of_the_bus(MODEL).predicted]
    usual_method, usual_layers = default_choice(ckpt)
    (heat,) = heat_maps(
        ckpt, seen, [CLASSES.index(wanted)], method or None, [layer] if layer else None
    )
    assert found["target"] == wanted and found["unit"] == heat.unit
    assert found["method"] == (method or usual_method)
    assert found["layers"] == ([layer] if layer else list(usual_layers))
    np.testing.assert_allclose(found["values"], heat.values, atol=1e-4)
    assert found["peak"] == pytest.approx(heat.peak, abs=1e-4)
    large = seen.repeat(8, axis=0).repeat(8, axis=1)
    difference = np.abs(np.int16(pixels(path)) - overlay(large, heat, strength=0.6))
    assert difference.max() <= 1  # of 255: rounded from values that differ in the last digits


def test_curl_gets_the_heat_map_as_png(post, uploaded):
    event, (file, found) = post("explain", image={"path": uploaded}, target="truck")
    assert event == "complete" and found["target"] == "truck"
    content = httpx.get(file["url"]).raise_for_status()
    assert content.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(content.content)).size == (256, 256)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"true_class": "cat", "predicted_class": "dog", "sort": "smallest margin"},
        {"verdict": "own", "sort": "test index"},
    ],
)
def test_mistakes_are_listed_as_in_the_explorer(client, annotations, filters):
    found = client.predict(MODEL, limit=7, offset=2, **filters, api_name="/list_mistakes")
    rows = mistakes.table(store.predictions(MODEL), store.load(MODEL).temperature, annotations)
    wanted = mistakes.select(
        rows,
        true=filters.get("true_class", ""),
        predicted=filters.get("predicted_class", ""),
        verdict=filters.get("verdict", ""),
        sort=filters.get("sort", "most confident"),
    )
    assert found["count"] == len(wanted)
    assert [row["index"] for row in found["rows"]] == wanted.index[2:9].tolist()
    for row in found["rows"]:
        there = rows.loc[row["index"]]
        for key in ("true", "predicted", "verdict", "people"):
            assert row[key] == there[key]
        for key in ("confidence", "loss", "margin", "entropy", "true_probability", "agreement"):
            assert row[key] == pytest.approx(there[key], abs=1e-6)


def test_a_page_beyond_the_last_is_empty(client):
    found = client.predict(MODEL, offset=10_000, api_name="/list_mistakes")
    assert found["rows"] == [] and found["count"] == store.table(MODEL)["wrong"].sum()


def test_a_link_opens_the_same_selection(client):
    found = client.predict(
        MODEL, "cat", "dog", "own", "highest loss", limit=1, api_name="/list_mistakes"
    )
    assert found["link"] == (
        f"?model={MODEL}&outcome=wrong&true=cat&pred=dog&verdict=own&sort=highest+loss"
    )


@pytest.mark.parametrize("wrong", [True, False])
def test_one_image_is_told_whole(client, test_split, annotations, wrong):
    rows = mistakes.table(
        store.predictions(MODEL),
        store.load(MODEL).temperature,
        annotations,
        store.difficulty(),
    )
    reviewed = annotations.given >= 0
    index = int(rows.index[(rows["wrong"] == wrong) & reviewed][0])
    path, found = client.predict(MODEL, index, api_name="/get_mistake")
    row, recorded = rows.loc[index], store.predictions(MODEL)
    assert np.array_equal(pixels(path), test_split.images[index].permute(1, 2, 0).numpy())
    assert found["caption"] == mistakes.caption(index, row) and found["wrong"] == wrong
    assert (found["true"], found["predicted"]) == (row["true"], row["predicted"])
    assert found["verdict"] == (row["verdict"] or None)
    assert found["difficulty"] == row["difficulty"]
    assert found["why"] == (VERDICTS[row["verdict"]][1] if wrong else None)
    shares = probabilities(recorded.logits[index], store.load(MODEL).temperature)
    assert {one["class"]: one["probability"] for one in found["probabilities"]} == pytest.approx(
        dict(zip(CLASSES, shares, strict=True)), abs=1e-6
    )
    assert list(found["votes"].values()) == annotations.votes[index].tolist()
    assert found["review"]["given"] == CLASSES[annotations.given[index]]
    assert sum(found["review"]["answers"].values()) == 5
    ranks = mistakes.ranks(rows)
    assert found["ranks"] == {sort: int(places[index]) for sort, places in ranks.items()}
    near = [(one["index"], one["label"]) for one in found["neighbours"]["training"]]
    labels = [CLASSES[label] for label in recorded.neighbour_labels[index]]
    assert near == list(zip(recorded.neighbours[index].tolist(), labels, strict=True))
    assert found["neighbours"]["test_right"]["index"] == recorded.nearest_right[index]
    assert found["link"] == f"?model={MODEL}{'' if wrong else '&outcome=right'}&id={index}"


def every_state(model):
    """Questions about test images of every kind: wrong or right, reviewed or not, each verdict."""
    rows, reviewed = store.table(model), store.annotations().given >= 0
    kinds = rows.groupby([rows["wrong"], rows["verdict"], reviewed]).head(1)
    return [("get_mistake", {"model": model, "index": int(index)}) for index in kinds.index]


@pytest.mark.parametrize("model", ["resnet", "basenet"])
def test_every_kind_of_image_is_told_over_http_and_mcp(post, tools, model):
    questions = every_state(model)
    assert len(questions) > 6

    async def ask(session):
        tools_by_name = {tool.name: tool for tool in (await session.list_tools()).tools}
        schema = tools_by_name["get_mistake"].outputSchema
        for call, question in questions:
            told = await session.call_tool(call, question)
            assert not told.isError and told.content[0].type == "image", question
            jsonschema.validate(told.structuredContent, schema)
            event, (picture, found) = post(call, **question)
            assert event == "complete" and found == told.structuredContent
            assert httpx.get(picture["url"]).status_code == 200

    tools(ask)


@pytest.mark.parametrize("other", ["resnet", "published", "published-wrn_28_10"])
def test_two_models_are_compared(client, other):
    found = client.predict(MODEL, other, api_name="/compare")
    first = store.table(MODEL)
    second = store.table(other) if other == "resnet" else store.answers_table(other)
    wanted = mistakes.compare(first, second)
    assert found["counts"] == wanted.counts and found["p_value"] == pytest.approx(wanted.p_value)
    assert found["difference"] == wanted.difference
    for name, rows in ((MODEL, first), (other, second)):
        assert found["accuracy"][name] == proportion(int((~rows["wrong"]).sum()), len(rows))


RECORDED = [
    ("list_mistakes", {"model": MODEL, "true_class": "cat", "sort": "highest loss", "limit": 3}),
    ("get_mistake", {"model": MODEL, "index": 7}),
    ("compare", {"model": MODEL, "other": "published-cudaconvnet"}),  # a negative difference
]


@pytest.mark.parametrize(("call", "question"), RECORDED)
def test_curl_is_told_what_was_recorded(post, client, call, question):
    event, told = post(call, **question)
    found = client.predict(**question, api_name=f"/{call}")
    assert event == "complete"
    if call == "get_mistake":
        path, found = found
        content = httpx.get(told[0]["url"]).raise_for_status().content
        assert np.array_equal(pixels(io.BytesIO(content)), pixels(path))
    assert told[-1] == found


@pytest.mark.parametrize(
    ("call", "question"),
    [
        ("classify", {"image": handle_file(BUS)}),
        ("explain", {"image": handle_file(BUS)}),
        *RECORDED,
    ],
)
def test_every_part_of_an_answer_is_described(client, call, question):
    found = client.predict(**question, api_name=f"/{call}")
    found = found[-1] if isinstance(found, tuple) else found
    *_, described = get_function_description(getattr(pictures, call, None) or getattr(calls, call))
    words = set(re.findall(r"\w+", " ".join(described)))
    for part in (found, *found.get("rows", [])):
        assert part and part.keys() <= words


# What cannot be done


def test_what_cannot_be_done_gets_one_sentence(post, uploaded):
    for call, arguments in (
        *(("classify", {"top_k": value}) for value in (0, 11, "3", True)),
        *(("classify", {"model": value}) for value in ("vgg", ["resnet"])),
        *(("classify", {"image": value}) for value in (
            None, "bus.png", {"url": 3}, {"path": "/etc/passwd"}, {"path": "x" * 10_000},
            {"url": "file:///etc/passwd"}, {"url": "http://["},
        )),
        ("classify", {"fit": "cover"}), ("explain", {"target": "lion"}),
        ("explain", {"method": "guess"}), ("explain", {"layer": "stage9"}),
        ("list_mistakes", {"true_class": "lion"}), ("list_mistakes", {"predicted_class": 3}),
        ("list_mistakes", {"verdict": "bad"}), ("list_mistakes", {"sort": "beauty"}),
        *(("list_mistakes", {"limit": value}) for value in (0, 101)),
        ("list_mistakes", {"offset": -1}),
        *(("get_mistake", {"index": value}) for value in (-1, 10_000, 1.5)),
        ("compare", {"other": "nobody"}), ("compare", {"other": "resnet"}),
    ):  # fmt: skip
        image = {"image": {"path": uploaded}} if call in ("classify", "explain") else {}
        event, told = post(call, **image | arguments)
        assert event == "error" and told["error"].endswith("."), (call, arguments, told)
        assert "\n" not in told["error"]


def test_gradio_client_raises_that_sentence(client):
    with pytest.raises(AppError, match=r"^top_k is 11: choose 1 to 10\.$"):
        client.predict(handle_file(BUS), top_k=11, api_name="/classify")


def test_a_text_is_no_picture(client, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    with pytest.raises(AppError, match="not a picture that can be read"):
        client.predict(handle_file(tmp_path / "notes.png"), api_name="/classify")


def test_a_file_of_the_server_is_not_read(post):
    for image in ({"path": str(BUS), "meta": {"_type": "gradio.FileData"}}, {"path": str(BUS)}):
        event, told = post("classify", image=image)
        assert event == "error" and "predicted" not in str(told)


def test_an_address_within_is_not_fetched(client, post, own_server):
    address, asked = own_server
    for image in ({"url": address}, {"path": address}, handle_file(address)):
        event, told = post("classify", image=image)
        assert event == "error" and told["error"].startswith("The picture could not be fetched:")
    with pytest.raises(AppError, match="could not be fetched"):
        client.predict(handle_file(address.replace("127.0.0.1", "localhost")), api_name="/classify")
    assert asked == []


def test_a_fetch_ends(monkeypatch):
    async def never(address, folder):
        await anyio.sleep_forever()

    monkeypatch.setattr(remote_pictures, "download", never)
    monkeypatch.setattr(remote_pictures, "SECONDS", 0.01)
    with (
        pytest.raises(LensError, match="could not be fetched"),
        picture_file({"url": "https://example.org/bus.png"}),
    ):
        pass


def test_no_more_calls_run_and_wait_than_may():
    go, running = threading.Event(), []

    def call():
        running.append(None)
        go.wait(60)

    async def crowd():
        line = anyio.CapacityLimiter(2)
        answer = endpoints.endpoint(call, line)
        async with anyio.create_task_group() as group:
            for _ in range(2 + endpoints.WAITING):
                group.start_soon(answer)
            while line.statistics().tasks_waiting < endpoints.WAITING:
                await anyio.sleep(0.01)
            with pytest.raises(Error, match="Too many calls are waiting"):
                await answer()
            assert len(running) <= 2
            go.set()

    anyio.run(crowd)
    assert len(running) == 2 + endpoints.WAITING


# MCP


@pytest.fixture
def tools(url):
    """A function that runs another one with an MCP session."""
    mcp = pytest.importorskip("mcp")
    from mcp.client.streamable_http import streamable_http_client

    @asynccontextmanager
    async def session():
        async with (
            streamable_http_client(f"{url}/gradio_api/mcp/") as (reads, writes, _),
            mcp.ClientSession(reads, writes) as found,
        ):
            await found.initialize()
            yield found

    def run(ask):
        async def main():
            async with session() as found:
                return await ask(found)

        return anyio.run(main)

    return run


def test_mcp_lists_the_five_calls(tools):
    found = tools(lambda session: session.list_tools()).tools
    assert [tool.name for tool in found] == CALLS
    for tool in found:
        assert tool.description
        for parameter in tool.inputSchema["properties"].values():
            assert parameter["description"]
        assert tool.outputSchema["type"] == "object" and tool.outputSchema["required"]
    explain = found[1].inputSchema
    assert explain["properties"]["target"]["enum"] == ["", *CLASSES]
    assert explain["properties"]["image"]["type"] == "string"
    assert explain["required"] == ["image"]


def test_mcp_sends_a_picture_and_gets_one(tools, client):
    image = "data:image/png;base64," + base64.b64encode(BUS.read_bytes()).decode()
    question = {"image": image, "model": MODEL, "target": "ship"}
    told = tools(lambda session: session.call_tool("explain", question))
    assert not told.isError
    overlaid, _, text = told.content
    assert (overlaid.type, overlaid.mimeType) == ("image", "image/png")
    path, found = client.predict(handle_file(BUS), MODEL, "ship", api_name="/explain")
    content = io.BytesIO(base64.b64decode(overlaid.data))
    assert np.array_equal(np.asarray(Image.open(content)), pixels(path))
    assert json.loads(text.text) == told.structuredContent == found


def test_mcp_takes_the_address_of_an_upload(tools, url, uploaded):
    question = {"image": f"{url}/gradio_api/file={uploaded}", "model": MODEL}
    told = tools(lambda session: session.call_tool("classify", question))
    assert told.structuredContent["predicted"] == CLASSES[said_of_the_bus(MODEL).predicted]


@pytest.mark.parametrize(("call", "question"), RECORDED)
def test_mcp_is_told_what_was_recorded(tools, client, call, question):
    told = tools(lambda session: session.call_tool(call, question))
    assert not told.isError
    found = client.predict(**question, api_name=f"/{call}")
    if call == "get_mistake":
        path, found = found
        content = io.BytesIO(base64.b64decode(told.content[0].data))
        assert np.array_equal(pixels(content), pixels(path))
    assert json.loads(told.content[-1].text) == told.structuredContent == found


@pytest.mark.parametrize(
    ("call", "arguments", "words"),
    [
        ("get_mistake", {"index": 10_000}, "10000"),
        ("compare", {"other": "resnet"}, "cannot be compared with itself"),
        ("classify", {"image": "/etc/passwd"}, "Invalid file data"),
        ("classify", {"image": "http://127.0.0.1:9/bus.png"}, "could not be fetched"),
    ],
)
def test_mcp_says_what_cannot_be_done(tools, call, arguments, words):
    told = tools(lambda session: session.call_tool(call, arguments))
    assert told.isError and words in told.content[0].text and "Traceback" not in str(told.content)
