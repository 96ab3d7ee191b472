"""A Hugging Face Hub in this process, for tests: what the real client asks for, kept in memory.

    hub.url                          # HF_ENDPOINT of the client
    hub.model("me/net").files        # path -> bytes, as of the newest commit
    hub.fail("PUT", "/lfs/", CUT)    # from now on: the connection ends in mid-upload
    hub.requests                     # all that arrived

It knows the routes that huggingface_hub 2 uses to create, fill and read a repository over plain
LFS, without Xet. The client is the real one, with `Hub.respond` in the place of its network.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

import yaml
from huggingface_hub.utils import httpx

# Users by token. `read` tokens may not write; nobody may write to somebody else's repositories.
WRITE = "hf_testWriteTokenOfMe"
READ = "hf_testReadTokenOfMe"
OTHER = "hf_testWriteTokenOfYou"
# Of the name that README gives the reader.
READER = "hf_testWriteTokenOfTheReader"
USERS = {
    WRITE: ("me", "write"),
    READ: ("me", "read"),
    OTHER: ("you", "write"),
    READER: ("USER", "write"),
}
TOKENS = tuple(USERS)

CUT = "cut"  # a failure: half of what is sent is read or written, then the connection ends
ATTRIBUTES = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
# The page that a static Space is born with, beside its README.
PAGE = {"index.html": b"<!doctype html>\n<h1>Welcome</h1>\n", "style.css": b"h1 { color: teal; }\n"}


class Answer(NamedTuple):
    status: int = 200
    content: object = b""  # bytes, or anything that becomes JSON
    headers: dict = {}  # noqa: RUF012 - never written to


class Refusal(Exception):
    """The Hub says no. code: its X-Error-Code header."""

    def __init__(self, status: int, message: str, code: str | None = None):
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # without the query, as it was sent
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def token(self) -> str | None:
        return self.headers.get("authorization", "").removeprefix("Bearer ") or None


@dataclass(frozen=True)
class Commit:
    oid: str
    title: str
    files: dict[str, bytes]


@dataclass
class Repo:
    """kind: model, space or dataset. sdk, hardware: of a Space, as they were asked for."""

    kind: str
    id: str
    private: bool = False
    gated: bool = False
    sdk: str | None = None
    hardware: str | None = None
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)  # name -> commit
    large: set[str] = field(default_factory=set)  # sha256 of what is kept in LFS

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    @property
    def files(self) -> dict[str, bytes]:
        """Of the newest commit, without the file that every repository is born with."""
        return {path: data for path, data in self.head.files.items() if path != ".gitattributes"}

    def commit(self, title: str, files: dict[str, bytes]) -> Commit:
        """Add a commit whose whole content is `files`."""
        seed = json.dumps([self.kind, self.id, title, len(self.commits)])
        for path, data in sorted(files.items()):
            seed += path + hashlib.sha256(data).hexdigest()
        self.commits.append(Commit(hashlib.sha1(seed.encode()).hexdigest(), title, dict(files)))
        return self.head

    def at(self, revision: str) -> Commit:
        if revision == "main":
            return self.head
        wanted = self.tags.get(revision, revision)
        for commit in self.commits:
            if commit.oid == wanted:
                return commit
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def oid(self, data: bytes) -> str:
        """What identifies a file's content: sha256 in LFS, git's sha1 elsewhere."""
        sha256 = hashlib.sha256(data).hexdigest()
        return sha256 if sha256 in self.large else git_oid(data)


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class _Failure:
    method: str
    path: str
    how: int | str
    times: float


class Hub:
    """The state of the Hub, which answers the requests of a client in this process."""

    url = "http://hub.test"

    def __init__(self):
        self.repos: dict[tuple[str, str], Repo] = {}
        self.requests: list[Request] = []
        self.objects: dict[str, bytes] = {}  # LFS, by sha256
        self._failures: list[_Failure] = []
        self._lock = threading.RLock()  # the client sends files in threads

    def model(self, name: str) -> Repo:
        return self.repos["model", name]

    def space(self, name: str) -> Repo:
        return self.repos["space", name]

    def add(self, kind: str, name: str, files: dict[str, bytes] | None = None, **facts) -> Repo:
        """A repository as the Hub creates it, with these files in one more commit."""
        repo = self.repos[kind, name] = Repo(kind, name, **facts)
        born = {".gitattributes": ATTRIBUTES}
        if kind == "space":
            title = re.sub("[-_.]", " ", name.split("/")[1]).title()
            born["README.md"] = f"---\ntitle: {title}\nsdk: {repo.sdk}\n---\n".encode()
            born |= PAGE if repo.sdk == "static" else {}
        repo.commit("initial commit", born)
        if files is not None:
            repo.commit("files", born | files)
        return repo

    def fail(self, method: str, path: str, how: int | str, times: float = float("inf")) -> None:
        """Answer requests whose path matches with a status, or CUT; only so many times if said."""
        self._failures.append(_Failure(method, path, how, times))

    def mend(self) -> None:
        """No failure any more."""
        self._failures.clear()

    def count(self, method: str, path: str) -> int:
        """How many requests arrived whose path matches."""
        return sum(r.method == method and bool(re.search(path, r.path)) for r in self.requests)

    def failure(self, method: str, path: str) -> int | str | None:
        with self._lock:
            for failure in self._failures:
                found = failure.method == method and re.search(failure.path, path)
                if found and failure.times > 0:
                    failure.times -= 1
                    return failure.how
        return None

    def respond(self, sent: httpx.Request) -> httpx.Response:
        """Answer a request; raises what the client would where there is no connection."""
        if sent.url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol("no such protocol", request=sent)
        if not str(sent.url).startswith(self.url):
            raise httpx.ConnectError("there is no other host", request=sent)
        request = Request(sent.method, sent.url.raw_path.decode().partition("?")[0],
                          dict(sent.headers), sent.read())  # fmt: skip
        failure = self.failure(request.method, request.path)
        if failure is None:
            answer = self.answer(request)
        elif failure != CUT:
            # As a gateway answers before the Hub itself is asked: no JSON.
            self.requests.append(request)
            return httpx.Response(failure, html="<html>no luck</html>", request=sent)
        elif request.method == "GET":
            answer = self.answer(request)
        else:
            self.requests.append(request)
            raise httpx.WriteError("the connection was cut", request=sent)
        content, headers = answer.content, dict(answer.headers)
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(content))
        if failure == CUT:
            content = _half(content)
        elif request.method == "HEAD":
            content = b""
        return httpx.Response(answer.status, headers=headers, content=content, request=sent)

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            try:
                for method, pattern, function in ROUTES:
                    if request.method in method and (found := re.fullmatch(pattern, request.path)):
                        parts = (unquote(part or "") for part in found.groups())
                        return function(self, request, *parts)
                raise Refusal(404, f"this Hub has no route {request.method} {request.path}")
            except Refusal as refusal:
                headers = {"X-Error-Message": refusal.message}
                if refusal.code:
                    headers["X-Error-Code"] = refusal.code
                return Answer(refusal.status, {"error": refusal.message}, headers)

    def user(self, request: Request) -> tuple[str, str]:
        """Name and role; ("", "") of whoever shows no token."""
        if request.token is None:
            return "", ""
        if request.token not in USERS:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return USERS[request.token]

    def readable(self, request: Request, kind: str, name: str) -> Repo:
        user, _ = self.user(request)
        repo = self.repos.get((kind, name))
        if repo is None or (repo.private and name.split("/")[0] != user):
            if not user:
                raise Refusal(401, "Invalid username or password.", "RepoNotFound")
            raise Refusal(404, "Repository not found", "RepoNotFound")
        return repo

    def writable(self, request: Request, kind: str, name: str) -> Repo:
        self.may_write(request, name.split("/")[0])
        return self.readable(request, kind, name)

    def may_write(self, request: Request, owner: str) -> None:
        user, role = self.user(request)
        if not user:
            raise Refusal(401, "Invalid username or password.")
        if role != "write" or owner != user:
            raise Refusal(403, f'You don\'t have the rights to write under the namespace "{owner}"')


def _half(content: bytes):
    yield content[: len(content) // 2]
    raise httpx.ReadError("the connection was cut")


def create(hub: Hub, request: Request) -> Answer:
    asked = request.json
    kind, owner = asked.get("type", "model"), asked.get("organization") or hub.user(request)[0]
    hub.may_write(request, owner)
    name = f"{owner}/{asked['name']}"
    url = f"{hub.url}/{PREFIXES[kind]}{name}"
    if (kind, name) in hub.repos:
        return Answer(409, {"error": f"You already created this {kind} repo", "url": url})
    hardware = asked.get("hardware", "cpu-basic" if asked.get("sdk") == "gradio" else None)
    private = asked.get("visibility") == "private" or asked.get("private", False)
    hub.add(kind, name, private=private, sdk=asked.get("sdk"), hardware=hardware)
    return Answer(content={"url": url, "name": name})


def info(hub: Hub, request: Request, kinds: str, name: str, revision: str) -> Answer:
    repo = hub.readable(request, kinds[:-1], name)
    commit = repo.at(revision or "main")
    content = {
        "id": name,
        "modelId": name,
        "author": name.split("/")[0],
        "sha": commit.oid,
        "private": repo.private,
        "gated": "manual" if repo.gated else False,
        "siblings": [{"rfilename": path} for path in sorted(commit.files)],
        "tags": [],
        "cardData": front_matter(commit.files.get("README.md", b"").decode()),
    }
    if repo.kind == "space":
        content |= {"sdk": repo.sdk, "runtime": _runtime(repo)}
    return Answer(content=content)


def tree(hub: Hub, request: Request, kinds: str, name: str, revision: str) -> Answer:
    repo = hub.readable(request, kinds[:-1], name)
    entries = []
    for path, data in sorted(repo.at(revision).files.items()):
        entry = {"type": "file", "path": path, "size": len(data), "oid": git_oid(data)}
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in repo.large:
            entry["lfs"] = {"oid": sha256, "size": len(data), "pointerSize": 134}
        entries.append(entry)
    return Answer(content=entries)


def commits(hub: Hub, request: Request, kinds: str, name: str, revision: str) -> Answer:
    """The commits up to a revision, the newest first."""
    repo = hub.readable(request, kinds[:-1], name)
    found = repo.commits[: repo.commits.index(repo.at(revision)) + 1]
    facts = {"message": "", "authors": [{"user": "me"}], "date": "2026-01-01T00:00:00.000Z"}
    return Answer(content=[{"id": c.oid, "title": c.title} | facts for c in reversed(found)])


def preupload(hub: Hub, request: Request, kinds: str, name: str, revision: str) -> Answer:
    """Binary files go into LFS, as the real Hub wants it."""
    repo = hub.writable(request, kinds[:-1], name)
    known = repo.at(revision).files
    return Answer(
        content={
            "files": [
                {
                    "path": file["path"],
                    "uploadMode": (
                        "lfs" if b"\0" in base64.b64decode(file["sample"]) else "regular"
                    ),
                    "shouldIgnore": False,
                    "oid": repo.oid(known[file["path"]]) if file["path"] in known else None,
                }
                for file in request.json["files"]
            ]
        }
    )


def lfs_batch(hub: Hub, request: Request, prefix: str, name: str) -> Answer:
    hub.writable(request, KINDS[prefix], name)
    objects = []
    for wanted in request.json["objects"]:
        oid, entry = wanted["oid"], dict(wanted)
        if oid not in hub.objects:
            # As on the real Hub, whose storage takes signed addresses instead of tokens.
            upload = {"href": f"{hub.url}/lfs/{oid}?signature=1", "header": {}}
            entry["actions"] = {"upload": upload}
        objects.append(entry)
    return Answer(content={"transfer": "basic", "objects": objects})


def lfs_put(hub: Hub, request: Request, oid: str) -> Answer:
    if hashlib.sha256(request.body).hexdigest() != oid:
        raise Refusal(400, "what arrived has another sha256")
    hub.objects[oid] = request.body
    return Answer()


def commit(hub: Hub, request: Request, kinds: str, name: str, revision: str) -> Answer:
    repo = hub.writable(request, kinds[:-1], name)
    lines = [json.loads(line) for line in request.body.splitlines()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    if header.get("parentCommit", repo.head.oid) != repo.head.oid:
        raise Refusal(412, "A commit has happened since. Please refresh and try again.")
    files = dict(repo.at(revision).files)
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            if value["oid"] not in hub.objects:
                raise Refusal(400, f"{value['path']} was never uploaded")
            files[value["path"]] = hub.objects[value["oid"]]
            repo.large.add(value["oid"])
        elif line["key"] == "deletedFile":
            del files[value["path"]]
    made = repo.commit(header["summary"], files)
    if repo.kind == "space":
        repo.sdk = front_matter(files["README.md"].decode()).get("sdk", repo.sdk)
    url = f"{hub.url}/{PREFIXES[repo.kind]}{name}/commit/{made.oid}"
    return Answer(content={"success": True, "commitOid": made.oid, "commitUrl": url})


def resolve(hub: Hub, request: Request, prefix: str, name: str, revision: str, path: str) -> Answer:
    repo = hub.readable(request, KINDS[prefix], name)
    if repo.gated and name.split("/")[0] != hub.user(request)[0]:
        status = 403 if request.token else 401
        raise Refusal(status, f"Access to model {name} is restricted", "GatedRepo")
    found = repo.at(revision)
    if path not in found.files:
        raise Refusal(404, "Entry not found", "EntryNotFound")
    data = found.files[path]
    return Answer(200, data, {"X-Repo-Commit": found.oid, "ETag": f'"{repo.oid(data)}"'})


def ask_hardware(hub: Hub, request: Request, name: str) -> Answer:
    repo = hub.writable(request, "space", name)
    repo.hardware = request.json["flavor"]
    return Answer(content=_runtime(repo))


def _runtime(repo: Repo) -> dict:
    return {"stage": "RUNNING", "hardware": {"current": repo.hardware, "requested": repo.hardware}}


def front_matter(text: str) -> dict:
    """The metadata of a README. Raises yaml.YAMLError."""
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    return yaml.safe_load(found[1]) if found else {}


PREFIXES = {"model": "", "space": "spaces/", "dataset": "datasets/"}
KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}
_API = r"/api/(models|spaces|datasets)/([^/]+/[^/]+)"
_NAME = r"/(spaces/|datasets/)?([^/]+/[^/]+?)"
ROUTES: list[tuple[tuple[str, ...], str, Callable[..., Answer]]] = [
    (("POST",), "/api/validate-yaml", lambda hub, request: Answer(content={})),
    (("POST",), "/api/repos/create", create),
    (("POST",), r"/api/spaces/([^/]+/[^/]+)/hardware", ask_hardware),
    (("GET",), rf"{_API}(?:/revision/([^/]+))?", info),
    (("GET",), rf"{_API}/tree/([^/]+)", tree),
    (("GET",), rf"{_API}/commits/([^/]+)", commits),
    (("POST",), rf"{_API}/preupload/([^/]+)", preupload),
    (("POST",), rf"{_API}/commit/([^/]+)", commit),
    (("POST",), rf"{_NAME}\.git/info/lfs/objects/batch", lfs_batch),
    (("PUT",), r"/lfs/([0-9a-f]{64})", lfs_put),
    (("GET", "HEAD"), rf"{_NAME}/resolve/([^/]+)/(.+)", resolve),
]
