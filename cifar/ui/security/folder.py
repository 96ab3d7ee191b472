"""The folder of this process: what visitors send, and what is made for them.

It is named here, before Gradio is first imported, because Gradio reads its place for uploads then.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "cifar-lens-server-"
# In Gradio's own place where that is set; nobody but this user can look into it.
HOME = Path(tempfile.mkdtemp(prefix=PREFIX, dir=os.environ.get("GRADIO_TEMP_DIR")))
UPLOADS = HOME / "uploads"
UPLOADS.mkdir()
os.environ["GRADIO_TEMP_DIR"] = str(UPLOADS)
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
