"""Run the API calls in docs/api.md, and write what each prints below it.

Its section `api` holds blocks of Python and of shell; the text block after each is its output.
Needs the app's packages, bash and curl.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from cifar import LensError
from cifar.files import replace
from cifar.report.readme_tables import refresh_sections
from cifar.report.screenshot import serving

ADDRESS = "http://127.0.0.1:7860"  # in the page; replaced by the server's
PICTURE = "bus.png"  # comes with the gradio package
CALL = re.compile(r"```(python|sh)\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
TIMEOUT = 300  # seconds


class UsageError(LensError):
    """A call in docs/api.md that fails; the message says which and why."""


def refresh(page: Path) -> None:
    """Write into the page what its calls print now.

    Raises the errors of `api_section`.
    """
    text = page.read_text(encoding="utf-8")
    fresh = refresh_sections(text, {"api": api_section(text)})
    replace(page, lambda path: path.write_text(fresh, encoding="utf-8"))


def api_section(text: str) -> str:
    """Return the section between the markers of `api`, with what its calls print now.

    text: that of the page. Raises UsageError if a call fails, LensError if the app does not start.
    """
    section = text.partition("<!-- api -->\n")[2].partition("\n<!-- /api -->")[0]
    with serving() as url:
        return update_outputs(section, url)


def update_outputs(section: str, url: str) -> str:
    """Return the section with what each call prints when it asks the server at `url`."""

    def update(match: re.Match) -> str:
        language, code, _ = match.groups()
        return f"```{language}\n{code}```\n\n```text\n{run_call(language, code, url)}```"

    return CALL.sub(update, section)


def run_call(language: str, code: str, url: str) -> str:
    """Run a block of "python" or "sh" in a folder with the picture, and return what it prints.

    Raises UsageError if it fails.
    """
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-euo", "pipefail", "-c"]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(picture(), folder)
        done = subprocess.run(
            [*command, code.replace(ADDRESS, url)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    if done.returncode:
        error = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        raise UsageError(f"The {language} calls of docs/api.md fail ({error}): correct them.")
    return done.stdout.replace(url, ADDRESS).rstrip() + "\n"


def picture() -> Path:
    """Return the path of the picture that the calls send."""
    return Path(str(files("gradio") / "media_assets" / "images" / PICTURE))
