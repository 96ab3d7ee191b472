import pytest

from cifar import data, library


@pytest.fixture(scope="session")
def _pixels():
    return data.load("test").images.permute(0, 2, 3, 1).numpy()


@pytest.fixture
def test_images(_pixels, monkeypatch):
    """The app with the test images at hand."""
    monkeypatch.setattr(library.TEST_IMAGES, "_found", _pixels)
    return _pixels


@pytest.fixture
def no_test_images(monkeypatch):
    """The app before the test images have arrived."""
    monkeypatch.setattr(library.TEST_IMAGES, "_found", None)
    monkeypatch.setattr(library.TEST_IMAGES, "_problem", "")  # of a fetch in another test
