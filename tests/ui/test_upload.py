from pathlib import Path

import gradio as gr
import pytest
from gradio.data_classes import ImageData
from PIL import Image

from cifar.ui.upload import Upload


@pytest.fixture
def box(tmp_path):
    box = Upload(type="filepath")
    box.GRADIO_CACHE = str(tmp_path / "uploads")
    Path(box.GRADIO_CACHE).mkdir()
    return box


def test_an_uploaded_file_is_handed_over_unopened(box):
    path = Path(box.GRADIO_CACHE) / "notes.png"
    path.write_text("not a picture")
    assert box.preprocess(ImageData(path=str(path))) == str(path)
    assert box.preprocess(None) is None


def test_a_file_from_elsewhere_is_refused(box, tmp_path):
    path = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(path)
    link = Path(box.GRADIO_CACHE) / "link.png"
    link.symlink_to(path)
    up = f"{box.GRADIO_CACHE}/../secret.png"
    for forged in (str(path), up, str(link), "", None, box.GRADIO_CACHE):
        with pytest.raises(gr.Error, match="not uploaded to this page"):
            box.preprocess(ImageData(path=forged))


def test_a_picture_inside_the_request_is_refused(box):
    with pytest.raises(gr.Error, match="not uploaded to this page"):
        box.preprocess(ImageData(url="data:image/png;base64,iVBORw0KGgo="))


def test_to_the_browser_it_is_an_ordinary_image(box):
    assert box.get_block_name() == "image"
