"""A Hub in this process, and commands whose client talks to it; see server.py."""

import contextlib
import io
import sys
import time
import warnings

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http, httpx

from cifar import __main__ as command_line
from tests.forks import Done
from tests.hub.server import TOKENS, WRITE, Hub

RESOLVE = "/{repo_id}/resolve/{revision}/{filename}"


@pytest.fixture
def hub():
    """A Hub without repositories."""
    return Hub()


@pytest.fixture
def on_hub(hub, tmp_path, monkeypatch):
    """A function that runs a command line whose Hub is `hub`; gives a `Done`.

        on_hub("-m", "cifar", "push", folder, "me/net")
        on_hub("-c", "print(1)", token=None, HF_HUB_OFFLINE="1")

    The working directory is `tmp_path`, the Hub's cache `tmp_path/hf`. At the end no token may be
    in anything that was printed, nor in any file under `tmp_path`.
    """
    printed, secrets = [], set(TOKENS)
    sleep = time.sleep  # between its attempts the client waits for many seconds
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    monkeypatch.chdir(tmp_path)

    def client():
        return httpx.Client(
            transport=httpx.MockTransport(hub.respond),
            event_hooks={"request": [_http.hf_request_event_hook]},
            follow_redirects=True,
        )

    def run(*arguments, token=WRITE, HF_ENDPOINT=hub.url, HF_HOME="hf", HF_HUB_OFFLINE="0"):
        if token:
            secrets.add(token)
        with monkeypatch.context() as patch:
            # The client reads its environment when it is imported: these are what it makes of it.
            for name, value in {
                "ENDPOINT": HF_ENDPOINT,
                "HUGGINGFACE_CO_URL_TEMPLATE": HF_ENDPOINT
                + "/{repo_id}/resolve/{revision}/{filename}",
                "HF_HUB_CACHE": str(tmp_path / HF_HOME / "hub"),
                "HF_TOKEN_PATH": str(tmp_path / HF_HOME / "token"),
                "HF_HUB_OFFLINE": HF_HUB_OFFLINE == "1",
                "HF_HUB_DISABLE_XET": True,
            }.items():
                patch.setattr(constants, name, value)
            patch.setenv("HF_TOKEN", token) if token else patch.delenv("HF_TOKEN", raising=False)
            _http.set_client_factory(client)
            try:
                done = _run(arguments)
            finally:
                _http.set_client_factory(_http.default_client_factory)
        printed.append(done)
        return done

    yield run
    for done in printed:
        assert not any(token in done.stdout + done.stderr for token in secrets)
    for path in filter(lambda path: path.is_file(), tmp_path.rglob("*")):
        content = path.read_bytes()
        assert not any(token.encode() in content for token in secrets), path


def _run(arguments) -> Done:
    """Run ("-m", "cifar", ...) or ("-c", code, ...) as Python would."""
    how, what, *rest = map(str, arguments)
    code, before = 0, sys.argv
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in "oe")
    sys.argv = [what, *rest]
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", DeprecationWarning)  # of the client's own calls
            if how == "-m":
                command_line.main()
            else:
                exec(compile(what, "<command>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code or 0
        if isinstance(code, str):
            print(code, file=err)
            code = 1
    finally:
        sys.argv = before
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
