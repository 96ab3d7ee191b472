"""The box that takes a visitor's picture, and hands it over without having opened it."""

from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData


class Upload(gr.Image):
    """A `gr.Image` whose value is the path of a file that was really uploaded.

    Gradio's own would open whatever local file a forged request names, decode pictures that come
    inside the request without any limit, and fail without a word on a file that is no picture.
    Here the file is only located; `cifar.images` opens it, with its limits and its sentences.
    """

    is_template = True  # to the browser it is an ordinary gr.Image

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is None:
            return None
        uploads = Path(self.GRADIO_CACHE).resolve()
        path = Path(payload.path or "").resolve()
        if not path.is_file() or not path.is_relative_to(uploads):
            raise gr.Error("That picture was not uploaded to this page: drop it here once more.")
        return str(path)
