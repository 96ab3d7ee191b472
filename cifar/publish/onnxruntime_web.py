"""Download ONNX Runtime Web, which runs networks in a browser, and add it to a site.

Only the script for plain WebAssembly and its binary are taken from the package. The binary is
stored compressed, at a quarter of its size, because not every server compresses responses.
"""

import gzip
import tarfile
from pathlib import Path

from cifar import LensError
from cifar.data import downloads

VERSION = "1.30.0"
URL = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
# The two files of the package, and their names in the site.
SCRIPT = "ort.wasm.bundle.min.mjs"
BINARY = "ort-wasm-simd-threaded.wasm"
LICENSE = Path(__file__).parent / "site" / "onnxruntime-LICENSE"


def fetch() -> Path:
    """Return the path of the npm package, 33 MB; download it unless it is in the cache.

    Raises FetchError.
    """
    return downloads.fetch(URL, SHA256, downloads.cache_home())


def write(folder: Path) -> dict[str, str]:
    """Write script, binary and licence into a new folder.

    Returns the names of the files that a page loads, as "script" and "binary" (gzip). Raises
    LensError.
    """
    with tarfile.open(fetch()) as package:
        script, binary = (_content(package, f"package/dist/{name}") for name in (SCRIPT, BINARY))
    folder.mkdir(parents=True)
    # Not .mjs: many servers know no type for that, and browsers then refuse to run it.
    name = f"{Path(SCRIPT).stem}.js"
    (folder / name).write_bytes(script)
    # Not .gz: some servers would decompress it while sending, others would not.
    (folder / f"{BINARY}.packed").write_bytes(gzip.compress(binary, 9, mtime=0))
    (folder / "LICENSE").write_bytes(LICENSE.read_bytes())
    return {"script": name, "binary": f"{BINARY}.packed"}


def _content(package: tarfile.TarFile, name: str) -> bytes:
    stream = package.extractfile(name)
    if stream is None:
        raise LensError(f"{URL} holds no file {name}: try again later.")
    return stream.read()
