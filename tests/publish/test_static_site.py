"""The site's folder: whole or not there, of relative addresses, and with what it must tell."""

import gzip
import importlib
import io
import json
import re
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from cifar import LensError
from cifar.explain.methods import METHODS as ALL_METHODS
from cifar.explore import page_data, store
from cifar.models import checkpoint
from cifar.publish import onnxruntime_web, static_site
from cifar.publish.static_site import METHODS, as_html, build

SPACE = "somebody/lens"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site of one model, for networks take long to write, with a runtime of two small files."""
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnxruntime_web, "fetch", lambda: npm_package(root / "runtime.tgz"))
        (root / "basenet").symlink_to(checkpoint.ROOT / "basenet")
        patch.setattr(checkpoint, "ROOT", root)
        forget()  # where a checkpoint lies is part of what is kept
        folder = tmp_path_factory.mktemp("site")  # empty, which is as good as not there
        build(folder, SPACE)
    forget()
    return folder


def forget():
    store._shown.clear()
    for cached in (page_data.places, store._read, store.predictions):
        cached.__wrapped__.cache_clear()


def npm_package(path):
    """Write a stand-in for ONNX Runtime Web; the browser's tests take the real one."""
    with tarfile.open(path, "w:gz") as package:
        for name in (onnxruntime_web.SCRIPT, onnxruntime_web.BINARY):
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(name)
            package.addfile(member, io.BytesIO(name.encode()))
    return path


@pytest.fixture(scope="module")
def told(built):
    return json.loads((built / "page.json").read_text(encoding="utf-8"))


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_the_page_is_told_of_files_that_are_there(built, told):
    (model,) = told["models"]
    addresses = [
        model["network"]["url"],
        told["runtime"]["script"],
        told["runtime"]["binary"]["url"],
        *told["packs"].values(),
        *told["sheets"],
        *told["neighbors"]["basenet"],
    ]
    for address in addresses:
        assert (built / address).is_file() and not address.startswith(("/", "http", "."))
    for part in (model["network"], told["runtime"]["binary"]):
        assert (built / part["url"]).stat().st_size == part["bytes"]
    ckpt = store.load("basenet")
    assert model["name"] == "basenet" and set(model["calibrated"]) == {"image", "look", "looks"}
    for kind, found in model["calibrated"].items():
        calibrated = ckpt.calibrated_for(kind)
        assert found["temperature"] == calibrated.temperature
        assert found["threshold"] == calibrated.metrics["ood"]["threshold"]
        assert found["unsure"] == calibrated.metrics["unsure"]["below"]
    assert model["unlike"]["scale"] == ckpt.metrics["ood"]["scale"]
    assert told["model"] == "basenet" and told["space"] == SPACE
    assert [one["name"] for one in told["evidence"]["methods"]] == [
        name for name in ALL_METHODS if name in METHODS
    ]
    names = {"images", "basenet", "basenet-probabilities", "basenet-channels", "published"}
    others = {name for name in told["packs"] if name.startswith("published-")}
    assert set(told["packs"]) == names | others and len(others) == 30
    assert len(told["sheets"]) == 21  # 20 of test images, one of near-duplicates
    assert len(told["neighbors"]["basenet"]) == -(-store.table("basenet")["wrong"].sum() // 25)


@pytest.mark.slow
def test_no_file_holds_an_address_elsewhere_that_would_be_fetched(built):
    html = (built / "index.html").read_text(encoding="utf-8")
    for address in re.findall(r'(?:src|href)="([^"]*)"', html):
        if not address.startswith("data:"):
            kind = re.search(rf'<(\w+)[^>]*"{re.escape(address)}"', html)[1]
            assert kind == "a" or (built / address).is_file(), address
    (components,) = built.glob("components-*")
    for path in files_in(components):
        text = path.read_text(encoding="utf-8")
        # Namespaces and what is said in words are no requests.
        for found in re.findall(r"""(?:import|fetch|url)\(?\s*["'](\w+:)?//""", text):
            raise AssertionError(f"{path} fetches {found}")


@pytest.mark.slow
def test_the_page_says_nothing_that_its_own_policy_forbids(built):
    html = (built / "index.html").read_text(encoding="utf-8")
    assert "'wasm-unsafe-eval'" in html and "unsafe-inline" not in html
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src)", html)
    assert "$" not in re.sub(r"<code>.*?</code>", "", html)


@pytest.mark.slow
def test_it_tells_nothing_of_where_it_was_made(built):
    for path in files_in(built):
        content = path.read_bytes()
        for word in (str(Path.home()), str(checkpoint.ROOT.parent), str(built.parent)):
            assert word.encode() not in content or word == "/", f"{path} names {word}"


@pytest.mark.slow
def test_nothing_of_gradio_is_in_it(built):
    for path in files_in(built):
        if path.suffix in (".js", ".html", ".json", ".css"):
            text = path.read_text(encoding="utf-8")
            assert "component_server" not in text and "gradio_api" not in text
    assert not list(built.rglob("gradio*"))


@pytest.mark.slow
def test_the_space_knows_how_to_show_it(built):
    text = (built / "README.md").read_text(encoding="utf-8")
    _, front, rest = text.split("---\n", 2)
    facts = dict(re.findall(r"^(\w+): (.+)$", front, re.M))
    assert (facts["sdk"], facts["app_file"]) == ("static", "index.html")
    assert len(facts["short_description"]) <= 60 and facts["title"]
    assert "CC BY-NC-SA" in rest and "| `basenet` |" in rest and "$" not in rest


@pytest.mark.slow
def test_the_runtime_comes_with_its_licence(built, told):
    folder = (built / told["runtime"]["script"]).parent
    assert folder.name == onnxruntime_web.VERSION
    assert "Copyright (c) Microsoft" in (folder / "LICENSE").read_text(encoding="utf-8")
    binary = (built / told["runtime"]["binary"]["url"]).read_bytes()
    assert gzip.decompress(binary) == onnxruntime_web.BINARY.encode()


@pytest.mark.slow
def test_figures_are_those_of_the_report(built):
    html = (built / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<img src="(figures/[^"]+)" alt="([^"]+)"', html)
    assert len(found) >= 4
    for address, words in found:
        with Image.open(built / address) as image:
            assert image.format == "PNG" and words


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_there_already_is_left_alone(tmp_path, kind):
    target = tmp_path / "site"
    if kind == "folder":
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    else:
        target.write_text("mine")
    with pytest.raises(LensError, match="not empty"):
        build(target)
    assert (target / "mine.txt" if kind == "folder" else target).read_text() == "mine"


@pytest.mark.parametrize("there", [True, False])
def test_nothing_stays_of_a_site_that_could_not_be_finished(tmp_path, monkeypatch, there):
    def fail(folder, space):
        (folder / "half").write_text("half")
        raise LensError("no runtime")

    monkeypatch.setattr(static_site, "_write", fail)
    target = tmp_path / "site"
    if there:
        target.mkdir()
    with pytest.raises(LensError, match="no runtime"):
        build(target)
    assert list(tmp_path.iterdir()) == ([target] if there else [])
    assert not there or list(target.iterdir()) == []


def test_without_its_packages_it_says_what_to_type(tmp_path, monkeypatch):
    def absent(name):
        if name in ("onnx", "markdown_it"):
            raise ModuleNotFoundError(name)
        return importlib.import_module(name)

    monkeypatch.setattr(static_site, "import_module", absent)
    with pytest.raises(LensError) as problem:
        build(tmp_path / "site")
    assert str(problem.value) == (
        "The static site needs onnx, markdown_it, which cannot be imported: "
        "pip install -r requirements.txt."
    )
    assert list(tmp_path.iterdir()) == []


def test_markdown_becomes_html_without_styles():
    found = as_html(
        "# One\n\ntext <b>not bold</b> & [a link](https://example.org)\n\n"
        "| a | b |\n|---|---:|\n| 1 | 2 |\n"
    )
    assert "<h2>One</h2>" in found and "&lt;b&gt;" in found
    assert 'href="https://example.org"' in found and 'rel="noopener"' in found
    assert '<td class="right">2</td>' in found and "style" not in found
    assert found.count("<table>") == found.count('tabindex="0"') == 1
