import dataclasses
import gc
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget, FinerWeightedTarget

from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify, to_tensor
from cifar.explain import cam
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS, HeatMap, contrast, default_choice
from cifar.models import checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.facts import Layer
from cifar.models.networks import NETWORKS

THEIRS = {
    "gradcam": pytorch_grad_cam.GradCAM,
    "hirescam": pytorch_grad_cam.HiResCAM,
    "gradcam++": pytorch_grad_cam.GradCAMPlusPlus,
    "xgradcam": pytorch_grad_cam.XGradCAM,
    "layercam": pytorch_grad_cam.LayerCAM,
    "eigencam": pytorch_grad_cam.EigenCAM,
    "finercam": pytorch_grad_cam.FinerCAM,
    "ablationcam": pytorch_grad_cam.AblationCAM,
    "scorecam": pytorch_grad_cam.ScoreCAM,
}
FAST = [name for name in THEIRS if not METHODS[name].slow]
SLOW = [name for name in THEIRS if METHODS[name].slow]
LAYERS = [(name, layer.name) for name, network in NETWORKS.items() for layer in network.layers]
EIGHT = Layer("stage2", "stage 2", 8)
FOUR = Layer("stage3", "stage 3", 4)


@pytest.fixture
def image(tiny_split):
    return tiny_split(10).images[3].permute(1, 2, 0).numpy()


def library(method, model, image, layer, target, against=None):
    """A map by the grad-cam library: signed as it is found, and the final 32x32 one."""
    found = THEIRS[method](model, [getattr(model, layer)])
    base = found.base_cam if method == "finercam" else found
    raw = []
    whole = base.get_cam_image
    base.get_cam_image = lambda *given, **named: raw.append(whole(*given, **named)) or raw[-1]
    x = to_tensor(image).requires_grad_(True)
    if method == "finercam" and against is None:
        final = found(x, target_idx=target)
    elif method == "finercam":
        final = found(x, [FinerWeightedTarget(target, [against], 1)])
    else:
        final = found(x, [ClassifierOutputTarget(target)])
    base.activations_and_grads.release()
    return raw[0][0], final[0]


def expected(method, ckpt, image, layer, target, **options):
    """The library's map with what we do otherwise on purpose; see `cam`."""
    raw, _ = library(method, ckpt.model, image, layer, target, **options)
    if method == "eigencam" and -raw.min() > raw.max():
        raw = -raw
    if method == "ablationcam":
        raw = raw * classify(ckpt, Seen.image(image)).logits[target]
    return np.maximum(raw, 0)


def assert_equal_maps(ours, theirs):
    assert ours.shape == theirs.shape and ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * theirs.max())


def compare(ckpt, image, layer, method, targets):
    heats = heat_maps(ckpt, image, targets, method, [layer])
    assert max(heat.peak for heat in heats) > 0
    for heat in heats:
        assert heat.values.shape[0] == heat.layers[0].size
        assert_equal_maps(heat.values, expected(method, ckpt, image, layer, heat.target))


@pytest.mark.parametrize(("network", "layer"), LAYERS)
def test_every_map_equals_the_grad_cam_librarys(make_checkpoint, image, network, layer):
    ckpt = checkpoint.load(make_checkpoint(network))
    for method in FAST:
        compare(ckpt, image, layer, method, [0, 3, 5, 9])


@pytest.mark.parametrize("method", SLOW)
@pytest.mark.parametrize(
    ("network", "layer"), [("basenet", "prep"), ("basenet", "stage4"), ("resnet", "prep")]
)
def test_slow_maps_equal_the_librarys_too(make_checkpoint, image, network, layer, method):
    compare(checkpoint.load(make_checkpoint(network)), image, layer, method, [3, 9])


@pytest.mark.parametrize("method", FAST)
def test_brought_to_32x32_they_are_the_librarys_final_maps(make_checkpoint, image, method):
    ckpt = checkpoint.load(make_checkpoint())
    (heat,) = heat_maps(ckpt, image, [3], method, ["stage3"])
    raw, final = library(method, ckpt.model, image, "stage3", 3)
    if method == "eigencam" and -raw.min() > raw.max():  # the library shows the other sign
        final = scale_cam_image(scale_cam_image(np.maximum(-raw, 0)[None], (32, 32)))[0]
    scaled = scale_cam_image(scale_cam_image(heat.values[None], (32, 32)))[0]
    np.testing.assert_allclose(scaled, final, atol=1e-5)


@pytest.mark.parametrize("against", [1, 8])
def test_finer_cam_against_one_class_equals_the_librarys(make_checkpoint, image, against):
    ckpt = checkpoint.load(make_checkpoint())
    (heat,) = heat_maps(ckpt, image, [3], "finercam", ["stage3"], against=[against])
    assert_equal_maps(heat.values, expected("finercam", ckpt, image, "stage3", 3, against=against))


def test_finer_cam_against_a_class_is_grad_cam_of_the_difference(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    with torch.no_grad():
        ckpt.model.head.weight *= 0.01  # no class is out of the question, as for a trained network
        (finer,) = heat_maps(ckpt, image, [3], "finercam", against=[5])
        ckpt.model.head.weight[3] -= ckpt.model.head.weight[5]
    assert_equal_maps(finer.values, heat_maps(ckpt, image, [3], "gradcam")[0].values)


def test_an_eigen_cam_is_the_same_for_all_classes_and_mostly_positive(make_checkpoint, tiny_split):
    ckpt = checkpoint.load(make_checkpoint())
    for picture in tiny_split(4).images:
        cut = cam.cut(ckpt.model, to_tensor(picture.permute(1, 2, 0).numpy()), "stage3")
        signed = cam.eigen_cam(cut, [0, 7], [None, None])
        assert np.array_equal(signed[0], signed[1]) and signed.max() >= -signed.min() > 0


def test_an_ablation_cam_does_not_depend_on_the_sign_of_the_logit(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    maps = []
    for shift in (-100, 200):
        with torch.no_grad():
            ckpt.model.head.bias[3] += shift
        assert np.sign(classify(ckpt, Seen.image(image)).logits[3]) == np.sign(shift)
        maps.append(heat_maps(ckpt, image, [3], "ablationcam")[0].values)
    np.testing.assert_allclose(*maps, rtol=1e-3, atol=1e-4 * maps[0].max())


@pytest.mark.parametrize("method", ["gradcam", "scorecam"])
def test_fused_maps_are_averaged_on_the_scale_of_all_targets(make_checkpoint, image, method):
    ckpt = checkpoint.load(make_checkpoint())
    targets, layers = [2, 6], ["stage4", "stage3"]
    shares = []
    for layer in layers:
        raw = [expected(method, ckpt, image, layer, target) for target in targets]
        top = max(one.max() for one in raw)
        shares.append([cv2.resize(np.float32(one / top), (32, 32)) for one in raw])
    heats = heat_maps(ckpt, image, targets, method, layers)
    for heat, theirs in zip(heats, np.mean(shares, 0), strict=True):
        np.testing.assert_allclose(heat.values, theirs, atol=1e-5)
        assert heat.unit == "share" and heat.values.dtype == np.float32
        assert heat.title == "stage 3 + stage 4, fused"


def test_fused_finer_cams_that_face_each_other_share_their_scale(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    pair, layers = [2, 6], ["stage3", "stage4"]
    heats = heat_maps(ckpt, image, pair, "finercam", layers, against=pair[::-1])
    assert [heat.against for heat in heats] == [6, 2]
    shares = []
    for layer in layers:
        raw = [
            expected("finercam", ckpt, image, layer, one, against=other)
            for one, other in (pair, pair[::-1])
        ]
        top = max(one.max() for one in raw)
        shares.append([cv2.resize(np.float32(one / top), (32, 32)) for one in raw])
    for heat, theirs in zip(heats, np.mean(shares, 0), strict=True):
        np.testing.assert_allclose(heat.values, theirs, atol=1e-5)


def test_fusing_does_not_depend_on_order_or_repetition(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    for layers in (["stage4", "stage2"], ("stage2", "stage4", "stage2")):
        (heat,) = heat_maps(ckpt, image, [1], "layercam", layers)
        assert [layer.name for layer in heat.layers] == ["stage2", "stage4"]


def test_targets_come_back_in_order_and_differ(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    heats = heat_maps(ckpt, image, [7, 2, 7], "gradcam", ["stage3"])
    assert [heat.target for heat in heats] == [7, 2, 7]
    assert np.array_equal(heats[0].values, heats[2].values)
    assert not np.array_equal(heats[0].values, heats[1].values)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_does_not_depend_on_what_else_is_asked(make_checkpoint, image, method):
    ckpt = checkpoint.load(make_checkpoint())
    alone, *_ = heat_maps(ckpt, image, [4], method)
    together, *_ = heat_maps(ckpt, image, [4, 1], method)
    np.testing.assert_allclose(alone.values, together.values, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_never_negative_and_says_where_it_is_from(make_checkpoint, image, method):
    (heat,) = heat_maps(checkpoint.load(make_checkpoint()), image, [1], method)
    assert heat_maps(checkpoint.load(make_checkpoint()), image, [], method) == []
    assert heat.values.dtype == np.float32 and heat.values.min() >= 0
    assert heat.values.shape == (8, 8)
    assert heat.peak == heat.values.max() and type(heat.peak) is float
    assert heat.method == method and heat.unit == METHODS[method].unit
    assert (heat.title, len(heat.layers)) == (
        ("8x8 patches covered", 0) if method == "occlusion" else ("stage 3, 8x8 map", 1)
    )


def test_the_table_names_every_method_once_with_its_source():
    assert list(METHODS) == [method.name for method in METHODS.values()]
    assert [*cam.CAMS, "occlusion"] == list(METHODS)
    assert all(method.source.startswith("https://") for method in METHODS.values())
    assert len({method.title for method in METHODS.values()}) == len(METHODS)
    assert {method.unit for method in METHODS.values()} == {"logits", "relative", "probability"}


@pytest.mark.parametrize("method", METHODS)
def test_explaining_leaves_no_trace_on_the_model(make_checkpoint, image, method):
    model = (ckpt := checkpoint.load(make_checkpoint())).model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    heat_maps(ckpt, image, [0, 1], method)
    heat_maps(ckpt, image, [2], method, ["stage3", "stage4"])
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    for module in model.modules():
        assert not module.training
        assert not module._forward_hooks and not module._forward_pre_hooks
        assert not module._backward_hooks and not module._backward_pre_hooks
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_the_same_where_gradients_are_off(make_checkpoint, image, method):
    ckpt = checkpoint.load(make_checkpoint())
    expected = heat_maps(ckpt, image, [4], method)[0].values
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            assert np.array_equal(heat_maps(ckpt, image, [4], method)[0].values, expected)
            assert not torch.is_grad_enabled()


def test_parallel_requests_give_the_serial_maps(make_checkpoint, tiny_split):
    ckpt = checkpoint.load(make_checkpoint())
    images = tiny_split(16).images.permute(0, 2, 3, 1).numpy()
    layers = [layer.name for layer in ckpt.model.layers]
    questions = [
        (images[i % 16], [i % 10, (i + 3) % 10], method, [layers[i % 5], layers[-1]][: 1 + i % 2])
        for i, method in enumerate([*FAST * 2, "ablationcam", "scorecam", "occlusion"])
    ]

    def explain(question):
        return [heat.values for heat in heat_maps(ckpt, *question)]

    serial = [explain(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(explain, questions))
    for ours, theirs in zip(parallel, serial, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_no_tensor_outlives_a_request(make_checkpoint, image):
    def tensors():
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    ckpt = checkpoint.load(make_checkpoint())
    before = tensors()
    for method in METHODS:
        heat_maps(ckpt, image, [0, 1], method)
    assert tensors() == before


@pytest.mark.parametrize("layers", [["stage3"], ["stage3", "stage4"]])
def test_a_class_without_evidence_has_an_empty_map(make_checkpoint, image, layers):
    ckpt = checkpoint.load(make_checkpoint())
    with torch.no_grad():
        ckpt.model.head.weight[6] = 0
    for method in ("gradcam", "hirescam", "gradcam++", "xgradcam", "layercam", "ablationcam"):
        (heat,) = heat_maps(ckpt, image, [6], method, layers)
        assert heat.peak == 0 and not heat.values.any(), method


def test_without_any_activation_no_method_fails(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    with torch.no_grad():
        ckpt.model.stage4[1].norm2.norm.weight.zero_()
        ckpt.model.stage4[1].norm2.norm.bias.fill_(-1)
    for method in cam.CAMS:
        for layers in (["stage4"], ["stage3", "stage4"]):
            (heat,) = heat_maps(ckpt, image, [6], method, layers)
            assert np.isfinite(heat.values).all()
            assert heat.peak == 0 or len(layers) == 2


@pytest.mark.parametrize(("network", "layer"), [("resnet", "stage2"), ("basenet", "stage3")])
def test_the_choice_before_any_measurement_is_grad_cam_at_8x8(
    make_checkpoint, image, network, layer
):
    ckpt = checkpoint.load(make_checkpoint(network))
    for metrics in ({}, {"temperature": 1.2}):
        assert default_choice(dataclasses.replace(ckpt, metrics=metrics)) == ("gradcam", (layer,))
    (heat,) = heat_maps(ckpt, image, [0])
    assert heat.method == "gradcam" and heat.values.shape == (8, 8)


@pytest.fixture
def measured_choice(make_checkpoint, metrics_of):
    """A function that gives a checkpoint whose scores name a method and layers."""

    def give(method, layers):
        ckpt = checkpoint.load(make_checkpoint())
        metrics = metrics_of(ckpt.sha256)
        metrics["explain"]["default"] = {"method": method, "layers": layers}
        return dataclasses.replace(ckpt, metrics=metrics)

    return give


def test_the_measured_choice_is_shown(measured_choice, image):
    ckpt = measured_choice("layercam", ["stage3", "stage4"])
    assert default_choice(ckpt) == ("layercam", ("stage3", "stage4"))
    (heat,) = heat_maps(ckpt, image, [0])
    assert heat.method == "layercam" and len(heat.layers) == 2
    (heat,) = heat_maps(ckpt, image, [0], "gradcam")
    assert heat.method == "gradcam" and len(heat.layers) == 2
    (heat,) = heat_maps(ckpt, image, [0], layers=["stage2"])
    assert heat.method == "layercam" and heat.layers[0].name == "stage2"


@pytest.mark.parametrize(("method", "layer"), [("guess", "stage3"), ("gradcam", "stage9")])
def test_a_measured_choice_that_there_is_not_is_named(measured_choice, method, layer):
    with pytest.raises(CheckpointError, match=f"default is '{method}' at '{layer}', which basenet"):
        default_choice(measured_choice(method, [layer]))


def test_a_choice_without_layers_leaves_other_methods_theirs(measured_choice, image):
    ckpt = measured_choice("occlusion", [])
    assert heat_maps(ckpt, image, [0])[0].layers == ()
    assert heat_maps(ckpt, image, [0], "gradcam")[0].layers[0].name == "stage3"


def test_an_unknown_method_raises(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    with pytest.raises(ValueError, match=r"no method 'cam': choose one of gradcam, .*, occlusion"):
        heat_maps(ckpt, image, [0], "cam")


@pytest.mark.parametrize("layers", [["stage9"], ["stage3", "stage9"], ["head"]])
def test_an_unknown_layer_raises(make_checkpoint, image, layers):
    ckpt = checkpoint.load(make_checkpoint())
    with pytest.raises(ValueError, match=r"no layer '\w+': choose one of prep, stage1"):
        heat_maps(ckpt, image, [0], "gradcam", layers)


@pytest.mark.parametrize("target", [-1, 10])
@pytest.mark.parametrize("method", ["gradcam", "scorecam", "occlusion"])
def test_an_unknown_class_raises(make_checkpoint, image, method, target):
    ckpt = checkpoint.load(make_checkpoint())
    with pytest.raises(ValueError, match=f"no class {target}: choose 0 to 9"):
        heat_maps(ckpt, image, [0, target], method)
    with pytest.raises(ValueError, match=f"no class {target}: choose 0 to 9"):
        heat_maps(ckpt, image, [0], method, against=[target])


def test_a_class_against_itself_raises(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    with pytest.raises(ValueError, match="Class 4 cannot be compared with itself"):
        heat_maps(ckpt, image, [2, 4], "finercam", against=[4, 4])


def a_map(values, method="gradcam", layers=(EIGHT,)):
    return HeatMap(np.float32(values), 0, method, layers, "logits")


def test_a_contrast_is_signed():
    difference = contrast(a_map([[3, 0]]), a_map([[1, 2]]))
    assert difference.dtype == np.float32 and difference.tolist() == [[2, -2]]


@pytest.mark.parametrize(
    "other", [a_map([[1, 2]], "layercam"), a_map([[1, 2]], layers=(FOUR,))], ids=["method", "layer"]
)
def test_maps_of_different_scales_have_no_contrast(other):
    with pytest.raises(ValueError, match=r"Grad-CAM \(stage 2, 8x8 map\) and .* same method"):
        contrast(a_map([[3, 0]]), other)
