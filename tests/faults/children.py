"""Processes that can be killed, without paying for the import of torch each time.

One process imports what is slow and computes nothing; each child is a fork of it.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.hub.client import ROOT, Done, _run


class Child:
    """A command line of Python at work in a process of its own."""

    def __init__(self, parent: "Children", pid: int, logs: list[Path]):
        self.pid = pid
        self._parent, self._logs = parent, logs

    def kill(self) -> Done:
        """By SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> Done:
        """What it left behind; the code of one that a signal ended is negative."""
        code = self._parent.ask({"wait": self.pid})
        return Done(code, *(log.read_text(encoding="utf-8") for log in self._logs))


class Children:
    """Starts command lines of Python: ("-m", "cifar", "train", ...) or ("-c", code)."""

    def __enter__(self):
        self._count = 0
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def start(self, *arguments, cwd: Path, **env: str) -> Child:
        """env: on top of this process's."""
        self._count += 1
        logs = [cwd / f"child-{self._count}.{stream}" for stream in ("out", "err")]
        command = {
            "arguments": [str(argument) for argument in arguments],
            "env": env,
            "cwd": str(cwd),
            "logs": [str(log) for log in logs],
        }
        return Child(self, self.ask(command), logs)

    def run(self, *arguments, cwd: Path, **env: str) -> Done:
        return self.start(*arguments, cwd=cwd, **env).wait()

    def ask(self, command: dict) -> int:
        print(json.dumps(command), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the process that starts the children has ended"
        return int(answer)


def _serve() -> None:
    import accelerate.state
    import torch._dynamo  # noqa: F401 - which the first optimizer imports

    import cifar.evaluate
    import cifar.train  # noqa: F401

    assert not accelerate.state.AcceleratorState._shared_state  # nothing was computed
    running = set()
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            _, status = os.waitpid(command["wait"], 0)
            running.remove(command["wait"])
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _run(**command)
        running.add(child)
        print(child, flush=True)
    for child in running:  # which a test that failed has left
        os.kill(child, signal.SIGKILL)
    os._exit(0)  # tidying up after torch takes seconds


if __name__ == "__main__":
    _serve()
