import torch

from cifar.models.device import fastest_device


def test_an_apple_gpu_is_left_alone_with_a_word(monkeypatch, caplog):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert fastest_device.__wrapped__() == "cpu"
    assert "Apple's GPU (MPS)" in caplog.text


def test_an_nvidia_gpu_is_used(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert fastest_device.__wrapped__() == "cuda" and caplog.text == ""
