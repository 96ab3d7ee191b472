"""Serve the app, drive Chromium, and take the pictures of it for README.

Needs the packages of requirements-dev.txt and a Chromium: Debian's, or the one that the environment
variable CHROMIUM names.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from cifar import PROJECT, LensError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

APP = PROJECT / "app.py"
SCREENSHOT = "screenshot.png"
TOUR = (1054, 765)  # pixels of the tour's frames
FRAME_MS = 2600
# Without these, Chromium contacts its servers at every start, which is slow without a network.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class ScreenshotError(LensError):
    """A failure to start the app or the browser; the message says what to do."""


@contextmanager
def serving(script: Path = APP, seconds: float = 180) -> Iterator[str]:
    """Run app.py as a user would, on a free port, and yield its address once it answers.

    script: the script that launches the Gradio app, run in its own folder. seconds: the timeout.
    Raises ScreenshotError if the app does not start.
    """
    with serving_process(script, seconds) as (url, _):
        yield url


@contextmanager
def serving_process(script: Path = APP, seconds: float = 180) -> Iterator[tuple[str, int]]:
    """Serve as `serving` does, and yield the address and the process's id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, script],
        cwd=script.parent,
        env=environment,
        stdout=subprocess.DEVNULL,  # standard output is for what the caller prints
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ScreenshotError(
                        "The app did not start: run `python app.py` to see why."
                    ) from None
                time.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def find_chromium() -> str:
    """Return the path of the browser.

    Raises ScreenshotError if there is none.
    """
    chosen = os.environ.get("CHROMIUM")
    names = [chosen] if chosen else ["chromium", "chromium-browser", "google-chrome"]
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise ScreenshotError("There is no Chromium: install Debian's, or name one in CHROMIUM.")
    return path


@contextmanager
def chromium(*flags: str) -> "Iterator[Browser]":
    """Start a headless Chromium driven by Playwright, and close it after the block.

    flags: further arguments of Chromium. Raises ScreenshotError if Playwright or Chromium is
    missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ScreenshotError(
            "Playwright is missing: pip install -r requirements-dev.txt."
        ) from error
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def take(browser: "Browser", url: str, path: Path) -> None:
    """Write a PNG of the Mistakes tab that lists cats seen as dogs, the third of them opened."""
    page = browser.new_page(viewport={"width": 1440, "height": 940})
    try:
        page.goto(url)
        page.get_by_role("tab", name="Mistakes").click()
        page.get_by_role("button", name="cat predicted as dog").click(timeout=60_000)
        page.locator("#explorer .tile").nth(2).click()
        page.locator("#explorer .pair").wait_for(timeout=60_000)
        page.locator(".evidence[aria-busy=false]").last.wait_for(timeout=60_000)
        page.mouse.move(0, 0)
        page.screenshot(path=path)
    finally:
        page.close()


def tour(browser: "Browser", url: str, path: Path) -> None:
    """Write an animated WebP of the Classify tab: some examples, then what changes an answer."""
    page = browser.new_page(viewport={"width": 1240, "height": 900})
    frames: list[Image.Image] = []

    def show() -> None:
        page.locator(".verdict:not(.old)").wait_for(timeout=60_000)
        page.locator(".why .evidence[aria-busy=false]").wait_for(timeout=60_000)
        page.locator(".probe-body:not(.pending)").wait_for(timeout=60_000)
        page.mouse.move(0, 0)
        with Image.open(io.BytesIO(page.screenshot())) as frame:
            frames.append(frame.convert("RGB").resize(TOUR, Image.Resampling.LANCZOS))

    try:
        page.goto(url)
        show()
        for story in ("label looks wrong", "background alone", "no such class"):
            page.locator("#classify .strip").get_by_role("button", name=story).click()
            page.wait_for_timeout(2000)  # the next answer of each panel is on its way
            show()
        page.locator(".flip").first.click()
        page.locator(".probe-large").scroll_into_view_if_needed()
        show()
    finally:
        page.close()
    first, *others = frames
    first.save(path, save_all=True, append_images=others, duration=FRAME_MS, loop=0, quality=80)


def draw(folder: Path) -> None:
    """Serve the app, and write its screenshot and the tour into a folder."""
    with serving() as url, chromium() as browser:
        take(browser, url, folder / SCREENSHOT)
        tour(browser, url, folder / "tour.webp")
