import json

import numpy as np
import pytest
import torch

from cifar import CLASSES
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify, classify_all, to_tensor
from cifar.models import checkpoint


@pytest.fixture
def image(tiny_split):
    return tiny_split(10).images[3].permute(1, 2, 0).numpy()


@pytest.fixture(params=["resnet", "basenet"])
def ckpt(request, make_checkpoint):
    """A checkpoint whose recorded temperature is 1.5."""
    folder = make_checkpoint(request.param)
    sha256 = checkpoint.load(folder).sha256
    metrics = {"weights_sha256": sha256, "temperature": 1.5}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return checkpoint.load(folder)


def by_hand(image):
    """Channels first, 0 to 1, minus the mean, over the deviation."""
    x = torch.from_numpy(image.transpose(2, 0, 1) / 255).view(1, 3, 32, 32)
    mean = torch.tensor([0.4914, 0.4822, 0.4465], dtype=torch.float64).view(1, 3, 1, 1)
    std = torch.tensor([0.2470, 0.2435, 0.2616], dtype=torch.float64).view(1, 3, 1, 1)
    return ((x - mean) / std).float()


def test_probabilities_are_the_softmax_of_the_calibrated_logits(ckpt, image):
    answer = classify(ckpt, Seen.image(image))
    with torch.no_grad():
        logits = ckpt.model(by_hand(image))[0]
    np.testing.assert_allclose(answer.logits, logits, atol=1e-4)
    expected = (logits.double() / 1.5).softmax(0).numpy()
    np.testing.assert_allclose(answer.probabilities, expected, atol=1e-5)
    assert answer.probabilities.sum() == pytest.approx(1)


def test_an_answer_has_its_types_and_shapes(ckpt, image):
    answer = classify(ckpt, Seen.image(image))
    assert answer.logits.shape == (10,) and answer.logits.dtype == np.float32
    assert answer.probabilities.shape == (10,) and answer.probabilities.dtype == np.float64
    assert answer.features.shape == (ckpt.model.head.in_features,)
    assert answer.predicted == answer.logits.argmax()
    assert answer.confidence == answer.probabilities.max()


def test_top_lists_the_most_probable_classes_in_order(ckpt, image):
    answer = classify(ckpt, Seen.image(image))
    expected = sorted(zip(CLASSES, answer.probabilities, strict=True), key=lambda pair: -pair[1])
    for k in range(1, 11):
        assert answer.top(k) == expected[:k]
    assert answer.top(1)[0] == (CLASSES[answer.predicted], answer.confidence)


@pytest.mark.parametrize("k", [0, -1, 11])
def test_top_takes_1_to_10(make_checkpoint, image, k):
    answer = classify(checkpoint.load(make_checkpoint()), Seen.image(image))
    with pytest.raises(ValueError, match="choose 1 to 10"):
        answer.top(k)


def test_the_network_is_fed_the_exact_pixels(image):
    torch.testing.assert_close(to_tensor(image), by_hand(image), atol=1e-6, rtol=1e-6)


def test_a_stack_of_images_is_one_batch(tiny_split):
    stack = tiny_split(5).images.permute(0, 2, 3, 1).numpy()
    batch = to_tensor(stack)
    assert batch.shape == (5, 3, 32, 32)
    assert all(torch.equal(batch[i], to_tensor(stack[i])[0]) for i in range(5))


def test_views_and_reversed_arrays_are_taken(image):
    expected = to_tensor(np.ascontiguousarray(image[:, ::-1]))
    assert torch.equal(to_tensor(image[:, ::-1]), expected)


def test_classifying_changes_neither_image_nor_gradients(ckpt, image):
    before = image.copy()
    classify(ckpt, Seen.image(image))
    assert np.array_equal(image, before)
    assert all(p.grad is None for p in ckpt.model.parameters())
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_several_looks_count_with_their_mirror_images_by_their_means(ckpt, tiny_split):
    views = tiny_split(5).images.permute(0, 2, 3, 1).numpy()
    both = [classify(ckpt, Seen.image(one)) for one in (*views, *views[:, :, ::-1])]
    answer = classify(ckpt, Seen(views, "looks"))
    for part in ("logits", "probabilities", "features"):
        mean = np.mean([getattr(one, part) for one in both], axis=0)
        np.testing.assert_allclose(getattr(answer, part), mean, atol=1e-4)
    said = [one.predicted for one in both]
    assert answer.said.T.ravel().tolist() == said and answer.said.shape == (5, 2)
    assert answer.predicted == answer.probabilities.argmax()


def test_pictures_of_all_kinds_go_through_the_network_together(ckpt, tiny_split):
    views = tiny_split(5).images.permute(0, 2, 3, 1).numpy()
    pictures = [Seen.image(views[0]), Seen(views, "looks"), Seen(views[3:4], "look")]
    for picture, answer in zip(pictures, classify_all(ckpt, pictures), strict=True):
        alone = classify(ckpt, picture)
        np.testing.assert_allclose(answer.probabilities, alone.probabilities, atol=1e-5)
        assert answer.kind == picture.kind and np.array_equal(answer.said, alone.said)
