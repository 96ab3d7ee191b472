from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cifar import checkpoint
from cifar.classifier import to_tensor
from cifar.explain import HeatMap, default_layer, draw, grad_cam, overlay
from cifar.model import NETWORKS, Layer

LAYERS = [(name, layer.name) for name, network in NETWORKS.items() for layer in network.layers]
EIGHT = Layer("stage2", "stage 2", 8)


@pytest.fixture
def image(tiny_split):
    return tiny_split(10).images[3].permute(1, 2, 0).numpy()


class RawGradCAM(GradCAM):
    """The library's Grad-CAM, which also keeps its map before scaling."""

    def get_cam_image(self, *arguments, **options):
        self.raw = super().get_cam_image(*arguments, **options)
        return self.raw


def library(model, image, layer, target):
    """Grad-CAM by the library: its raw map with negatives dropped, and its final 32x32 one."""
    with RawGradCAM(model, [getattr(model, layer)]) as cam:
        final = cam(to_tensor(image).requires_grad_(True), [ClassifierOutputTarget(target)])
        return np.maximum(cam.raw[0], 0), final[0]


@pytest.mark.parametrize(("network", "layer"), LAYERS)
def test_grad_cam_equals_the_grad_cam_library(make_checkpoint, image, network, layer):
    ckpt = checkpoint.load(make_checkpoint(network))
    targets = [0, 3, 5, 9]
    peaks = []
    for heat in grad_cam(ckpt, image, targets, layer):
        raw, final = library(ckpt.model, image, layer, heat.target)
        assert heat.values.shape == raw.shape == (heat.layer.size, heat.layer.size)
        np.testing.assert_allclose(heat.values, raw, rtol=1e-5, atol=1e-5 * raw.max())
        scaled = scale_cam_image(scale_cam_image(heat.values[None], (32, 32)))[0]
        np.testing.assert_allclose(scaled, final, atol=1e-5)
        peaks.append(heat.peak)
    assert max(peaks) > 0


def test_targets_come_back_in_order_and_differ(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    heats = grad_cam(ckpt, image, [7, 2, 7], "stage3")
    assert [heat.target for heat in heats] == [7, 2, 7]
    assert np.array_equal(heats[0].values, heats[2].values)
    assert not np.array_equal(heats[0].values, heats[1].values)


def test_no_targets_no_maps(make_checkpoint, image):
    assert grad_cam(checkpoint.load(make_checkpoint()), image, []) == []


def test_a_map_is_never_negative_and_float32(make_checkpoint, image):
    heat = grad_cam(checkpoint.load(make_checkpoint()), image, [1])[0]
    assert heat.values.dtype == np.float32 and heat.values.min() >= 0
    assert heat.peak == heat.values.max()


@pytest.mark.parametrize("network", ["resnet", "basenet"])
def test_explaining_leaves_no_trace_on_the_model(make_checkpoint, image, network):
    model = (ckpt := checkpoint.load(make_checkpoint(network))).model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    grad_cam(ckpt, image, [0, 1])
    grad_cam(ckpt, image, [2], "stage1")
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    for module in model.modules():
        assert not module.training
        assert not module._forward_hooks and not module._forward_pre_hooks
        assert not module._backward_hooks and not module._backward_pre_hooks
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_grad_cam_works_where_gradients_are_off(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    expected = grad_cam(ckpt, image, [4])[0].values
    with torch.no_grad():
        assert np.array_equal(grad_cam(ckpt, image, [4])[0].values, expected)
        assert not torch.is_grad_enabled()


def test_eight_threads_give_the_serial_maps(make_checkpoint, tiny_split):
    ckpt = checkpoint.load(make_checkpoint())
    images = tiny_split(48).images.permute(0, 2, 3, 1).numpy()
    layers = [layer.name for layer in ckpt.model.layers]

    def explain(i):
        heats = grad_cam(ckpt, images[i], [i % 10, (i + 3) % 10], layers[i % len(layers)])
        return [heat.values for heat in heats]

    serial = [explain(i) for i in range(48)]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(explain, range(48)))
    for ours, theirs in zip(parallel, serial, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(("network", "layer"), [("resnet", "stage2"), ("basenet", "stage3")])
def test_the_default_layer_is_the_last_of_8x8(make_checkpoint, image, network, layer):
    ckpt = checkpoint.load(make_checkpoint(network))
    assert default_layer(ckpt) == layer
    assert grad_cam(ckpt, image, [0])[0].values.shape == (8, 8)


def test_an_unknown_layer_raises(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    with pytest.raises(ValueError, match="no layer 'stage9': choose one of prep, stage1"):
        grad_cam(ckpt, image, [0], "stage9")


@pytest.mark.parametrize("target", [-1, 10])
def test_an_unknown_class_raises(make_checkpoint, image, target):
    ckpt = checkpoint.load(make_checkpoint())
    with pytest.raises(ValueError, match=f"no class {target}: choose 0 to 9"):
        grad_cam(ckpt, image, [0, target])


def gradient_heat(peak=3.0):
    return HeatMap(np.linspace(0, peak, 64, dtype=np.float32).reshape(8, 8), EIGHT, 0)


def inferno(values):
    """Colours, float (H, W, 3) 0 to 255, of a relative map brought to 32x32."""
    smooth = Image.fromarray(np.float32(values)).resize((32, 32), Image.Resampling.BILINEAR)
    return matplotlib.colormaps["inferno"](np.asarray(smooth))[..., :3] * 255


def test_strength_0_is_the_image_untouched(image):
    drawn = overlay(image, gradient_heat(), strength=0)
    assert drawn.dtype == np.uint8 and np.array_equal(drawn, image)


def test_strength_1_is_the_colour_map_alone(image):
    drawn = overlay(image, gradient_heat(), strength=1)
    assert np.array_equal(drawn, overlay(255 - image, gradient_heat(), strength=1))
    np.testing.assert_allclose(drawn, inferno(gradient_heat(1.0).values), atol=0.51)


def test_half_strength_is_the_mean_of_both(image):
    mean = (image + inferno(gradient_heat(1.0).values)) / 2
    np.testing.assert_allclose(overlay(image, gradient_heat(), strength=0.5), mean, atol=0.76)


def test_a_shared_scale_makes_weak_maps_dark(image):
    weak, strong = gradient_heat(1.0), gradient_heat(4.0)
    drawn = overlay(image, weak, scale=strong.peak, strength=1)
    np.testing.assert_allclose(drawn, inferno(gradient_heat(0.25).values), atol=0.51)
    assert drawn.sum() < overlay(image, strong, scale=strong.peak, strength=1).sum()


def test_evidence_beyond_the_scale_has_the_brightest_colour(image):
    heat = HeatMap(np.full((8, 8), 5, dtype=np.float32), EIGHT, 0)
    brightest = np.rint(np.array(matplotlib.colormaps["inferno"](1.0))[:3] * 255)
    assert (overlay(image, heat, scale=2.0, strength=1) == brightest).all()


@pytest.mark.parametrize("scale", [None, 0.0, 1.0])
def test_a_map_without_evidence_is_dark(image, scale):
    heat = HeatMap(np.zeros((8, 8), dtype=np.float32), EIGHT, 0)
    darkest = np.rint(np.array(matplotlib.colormaps["inferno"](0.0))[:3] * 255)
    assert (overlay(image, heat, scale=scale, strength=1) == darkest).all()


def test_an_overlay_has_the_size_of_its_image():
    picture = np.full((50, 50, 3), 128, dtype=np.uint8)
    assert overlay(picture, gradient_heat()).shape == (50, 50, 3)


def test_a_map_drawn_alone_is_an_overlay_of_full_strength(image):
    drawn = draw(gradient_heat(), 32)
    assert drawn.shape == (32, 32, 3) and drawn.dtype == np.uint8
    assert np.array_equal(drawn, overlay(image, gradient_heat(), strength=1))


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_0_to_1_raises(image, strength):
    with pytest.raises(ValueError, match="choose 0 to 1"):
        overlay(image, gradient_heat(), strength=strength)
