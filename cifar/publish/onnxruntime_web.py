"""ONNX Runtime Web, which runs networks in a browser: fetched once, checked, and put into a site.

Of the package there are taken the one script that runs on WebAssembly alone and its binary. The
binary goes into the site compressed: not every server does that on the way, and it is a quarter of
the size.
"""

import gzip
import tarfile
from pathlib import Path

from cifar import LensError
from cifar.data import downloads

VERSION = "1.30.0"
URL = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
# What is taken, and what it is called in the site.
SCRIPT = "ort.wasm.bundle.min.mjs"
BINARY = "ort-wasm-simd-threaded.wasm"
LICENSE = Path(__file__).parent / "site" / "onnxruntime-LICENSE"


def fetch() -> Path:
    """The path of the npm package in the cache; asks the network only where it is not there.

    33 MB. Raises FetchError.
    """
    return downloads.fetch(URL, SHA256, downloads.cache_home())


def write(folder: Path) -> dict[str, str]:
    """Put script, binary and licence into a new folder. Raises LensError.

    Returns the names of the two files that a page needs: "script" and "binary", the latter gzip.
    """
    with tarfile.open(fetch()) as package:
        script, binary = (_content(package, f"package/dist/{name}") for name in (SCRIPT, BINARY))
    folder.mkdir(parents=True)
    (folder / SCRIPT).write_bytes(script)
    # Not .gz: some servers would unpack that on the way, others not.
    (folder / f"{BINARY}.packed").write_bytes(gzip.compress(binary, 9, mtime=0))
    (folder / "LICENSE").write_bytes(LICENSE.read_bytes())
    return {"script": SCRIPT, "binary": f"{BINARY}.packed"}


def _content(package: tarfile.TarFile, name: str) -> bytes:
    stream = package.extractfile(name)
    if stream is None:
        raise LensError(f"{URL} holds no file {name}: try again later.")
    return stream.read()
