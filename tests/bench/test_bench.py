import json
import sys
from functools import partial

import cv2
import numpy as np
import pytest
import torch

from cifar import LensError
from cifar.__main__ import main
from cifar.bench import explain, network, start, suites, train, turns
from cifar.bench import rows as shape
from cifar.data import cifar10
from cifar.data.pictures import Seen
from cifar.evaluation import evaluate
from cifar.evaluation.classifier import classify, to_tensor
from cifar.models import checkpoint
from cifar.report import readme_tables
from cifar.report.screenshot import serving
from cifar.training.recipe import PRESETS

KEYS = ["row", "ours", "reference", "ratio", "unit", "n", "bound", "ok"]


def report_of(*rows):
    return {
        "suite": "train",
        "reference": "a tutorial",
        "hardware": "a test",
        "rows": [suites.asdict(row) for row in rows],
    }


def fast_and_slow():
    fast = shape.throughput("fast one", [80.0, 100.04, 120.0], [40.0, 50.0, 60.0], at_least=1.3)
    slow = shape.throughput("slow one", [60.0], [50.0], at_least=1.3)
    return fast, slow


def test_a_row_is_the_medians_their_ratio_and_whether_the_bar_was_held():
    fast, slow = fast_and_slow()
    assert (fast.ours, fast.reference, fast.ratio, fast.n, fast.ok) == (100.0, 50.0, 2.0, 3, True)
    assert (slow.ratio, slow.bound, slow.ok) == (1.2, ">= 1.3", False)


def test_what_is_shown_is_what_was_judged():
    assert shape.throughput("", [1.296], [1.0], at_least=1.3).ok  # shown as 1.3
    assert not shape.throughput("", [1.294], [1.0], at_least=1.3).ok  # shown as 1.29


def test_a_row_without_a_bar_is_shown_and_held():
    row = shape.throughput("early layer", [9.0], [10.0], at_least=None, unit="maps/s")
    assert (row.ratio, row.unit, row.bound, row.ok) == (0.9, "maps/s", "", True)
    report = report_of(row, fast_and_slow()[0])
    assert suites.held(report)
    lines = suites.as_table(report).splitlines()
    assert lines[3].split()[-2:] == ["maps/s", "1"] and lines[4].split()[-1] == "yes"


def test_both_sides_take_turns():
    calls = []

    def side(name):
        def block():
            calls.append(name)
            return float(len(calls))

        return block

    assert turns.take_turns(side("a"), side("b"), 3, "test") == ([1.0, 3.0, 5.0], [2.0, 4.0, 6.0])
    assert calls == ["a", "b"] * 3


def test_the_table_shows_each_row_and_names_what_failed():
    lines = suites.as_table(report_of(*fast_and_slow())).splitlines()
    assert lines[0] == "train, on a test"
    assert lines[2].split() == ["ours", "reference", "ratio", "unit", "n", "bound", "ok"]
    shown = " ".join(lines[3].split())
    assert shown == "fast one 100.0 50.0 2.00 images/s 3 >= 1.3 yes"
    assert lines[4].split()[-1] == "NO"


@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, 2)])
def test_the_command_prints_json_and_fails_where_a_bar_was_missed(monkeypatch, capsys, rows):
    suite = (lambda: list(fast_and_slow()[rows]), "a tutorial")
    monkeypatch.setitem(suites.SUITES, "train", suite)
    monkeypatch.setattr("sys.argv", ["cifar", "bench", "train", "--json"])
    if rows.stop == 2:
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 1
    else:
        main()
    report = json.loads(capsys.readouterr().out)
    assert list(report) == ["suite", "reference", "hardware", "rows"]
    assert report["suite"] == "train" and "CPU" in report["hardware"]
    assert len(report["rows"]) == rows.stop
    assert all(list(row) == KEYS for row in report["rows"])


def test_the_train_suite_has_a_row_a_network(monkeypatch, tiny_split):
    monkeypatch.setattr(cifar10, "load", lambda name, source=None: tiny_split())
    seconds = {train.our_training: 1.0, train.tutorial_training: 2.0}

    @train.contextmanager
    def pretend(make, network, steps):
        yield lambda: seconds[make]

    monkeypatch.setattr(train, "in_own_process", pretend)
    rows = train.train_suite()
    assert [row.row.split(",")[0] for row in rows] == list(PRESETS)
    for row, name in zip(rows, PRESETS, strict=True):
        assert row.ours == train.STEPS[name] * PRESETS[name].batch_size
        assert row.ratio == 2 and row.ok and row.n == train.BLOCKS


def test_a_side_runs_in_its_own_process_once_before_it_is_timed():
    numbers = [1, 2]
    with train.in_own_process(partial, list.pop, numbers) as side:
        assert side() >= 0
        with pytest.raises(IndexError, match="empty"):  # the third time; errors cross over
            side()
    assert numbers == [1, 2]


@pytest.fixture
def small(monkeypatch, tiny_split):
    """Both sides on 40 images in batches of 20."""
    recipe = train.replace(PRESETS["basenet"], batch_size=20)
    monkeypatch.setitem(train.PRESETS, "basenet", recipe)
    monkeypatch.setattr(cifar10, "load", lambda name, source=None: tiny_split(40))


def test_a_block_of_ours_goes_on_by_its_steps(small, monkeypatch):
    sizes = []
    advance = train.Training.advance

    def counted(training):
        advance(training)
        sizes.append((training.step, training.size))

    monkeypatch.setattr(train.Training, "advance", counted)
    train.our_training("basenet", 2)()
    assert sizes == [(1, 32), (2, 32)]


def test_a_block_of_the_tutorial_moves_the_same_network_by_as_many_steps(small, monkeypatch):
    made = []
    create, step = train.create_model, torch.optim.SGD.step
    monkeypatch.setattr(train, "create_model", lambda name: made.append(create(name)) or made[0])
    steps = []
    monkeypatch.setattr(torch.optim.SGD, "step", lambda o: steps.append(step(o)))
    block = train.tutorial_training("basenet", 2, workers=0)
    before = made[0].head.weight.clone()
    block()
    assert len(steps) == 2 and not torch.equal(made[0].head.weight, before)


def test_the_tutorial_reads_pictures_as_torchvision_does(tiny_split):
    split = tiny_split(4)
    pictures = train.Pictures(split, lambda picture: picture)
    picture, label = pictures[3]
    assert len(pictures) == 4 and picture.size == (32, 32) and label == split.labels[3]
    assert picture.getpixel((5, 7)) == tuple(split.images[3, :, 7, 5].tolist())


def test_what_a_call_adds_is_judged_in_milliseconds():
    good = shape.added_time("", [150.0, 160.0, 400.0], [10.0, 12.0, 11.0], at_most=150)
    assert (good.ours, good.reference, good.ratio, good.unit) == (160.0, 11.0, 14.55, "ms")
    assert (good.bound, good.n, good.ok) == ("<= +150 ms", 3, True)
    assert not shape.added_time("", [160.0], [10.0], at_most=149).ok


def test_a_bar_on_the_whole_time_does_not_take_the_references_off():
    good = shape.total_time("", [390.0, 400.0, 900.0], [300.0], at_most=400)
    assert good.ok and good.bound == "<= 400 ms" and (good.ours, good.reference) == (400.0, 300.0)
    assert not shape.total_time("", [401.0], [300.0], at_most=400).ok


def test_a_bar_on_the_ratio_is_judged_as_it_is_shown():
    good = shape.relative_cost("", [13.0, 13.04, 90.0], [10.0], at_most=1.3)
    assert (good.ratio, good.bound, good.ok, good.unit, good.n) == (1.3, "<= 1.3", True, "ms", 3)
    assert not shape.relative_cost("", [13.1], [10.0], at_most=1.3).ok


def test_what_is_recorded_is_shown_in_readme(monkeypatch, tmp_path):
    monkeypatch.setattr(suites, "BENCH", tmp_path / "bench")
    monkeypatch.setattr(readme_tables, "BENCH", tmp_path / "bench")
    readme = tmp_path / "README.md"
    readme.write_text("# Lens\n<!-- speed -->\nold\n<!-- /speed -->\nend\n")
    quick = shape.throughput("no bar", [9.0], [10.0], at_least=None)
    suites.record(report_of(quick, *fast_and_slow()), readme)
    suites.record(report_of(*fast_and_slow()) | {"suite": "app"}, readme)
    lines = readme.read_text().splitlines()
    assert lines[:2] == ["# Lens", "<!-- speed -->"] and lines[-2:] == ["<!-- /speed -->", "end"]
    assert [line.split(" | ")[0] for line in lines[4:8]] == ["| fast one", "| slow one"] * 2
    assert lines[4].endswith("| 100.0 | 50.0 | images/s | 2.00 | >= 1.3 | yes | 3 |")
    assert lines[5].endswith("| 1.20 | >= 1.3 | **no** | 1 |")
    assert "- app: beside a tutorial; by `python -m cifar bench app` on a test." in lines
    assert (
        "- train: beside a tutorial; by `python -m cifar bench train` on a test. Its rows without "
        "a bar, 1 with ratios of 0.90 to 0.90, are in `assets/bench/train.json`."
    ) in lines
    (tmp_path / "bench/app.json").write_text("{")
    with pytest.raises(LensError, match=r"app\.json is not a report"):
        readme_tables.load_reports()


def test_the_network_suite_has_three_rows_a_network(monkeypatch):
    counts = []

    def pretend(ours, reference, name, calls):
        counts.append(calls)
        return [1.1] * calls, [1.0] * calls

    monkeypatch.setattr(network, "time_in_turns", pretend)
    *rows, brought = network.network_suite()
    assert brought.bound == "<= 1.15" and brought.row.startswith("a brought ResNet-18")
    assert [row.row.split(":")[0] for row in rows] == ["resnet"] * 3 + ["basenet"] * 3
    assert [row.bound for row in rows] == ["<= 1.3", "<= 1.15", "<= 500 ms"] * 2
    assert min(counts[:-1]) >= 20 and all(row.ok for row in rows)


def test_the_start_suite_measures_the_page_and_the_help(monkeypatch):
    monkeypatch.setattr(start, "page_timer", lambda script: lambda: 2000.0)
    monkeypatch.setattr(start, "answer_timer", lambda: lambda: 4000.0)
    monkeypatch.setattr(start, "command_runner", lambda command: lambda: None)
    page, answer, help_text = start.start_suite(blocks=3)
    assert (page.ratio, page.bound, page.n) == (1.0, "<= 0.8", 3)
    assert (answer.ratio, answer.bound, answer.ok) == (2.0, "<= 1.5", False)
    assert help_text.bound == "<= 1000 ms" and help_text.ok and help_text.n == 3


def test_both_sides_of_the_network_suite_find_the_same(make_checkpoint):
    ckpt = checkpoint.load(make_checkpoint("basenet"))
    batch = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.manual_seed(0)).byte()
    pixels = batch.permute(0, 2, 3, 1).numpy()
    logits = network.bare_network(ckpt, to_tensor(pixels))().numpy()
    np.testing.assert_allclose(logits, evaluate.predict(ckpt, batch)[0], atol=1e-4)
    np.testing.assert_allclose(logits[0], classify(ckpt, Seen.image(pixels[0])).logits, atol=1e-4)


def test_calls_are_made_in_turns_and_the_first_are_not_counted():
    calls = []
    ours, theirs = turns.time_in_turns(lambda: calls.append("a"), lambda: calls.append("b"), "test")
    assert len(ours) == len(theirs) == turns.N and min(ours + theirs) >= 0
    assert calls == ["a", "b"] * (turns.WARM_UP + turns.N)


@pytest.fixture
def untrained(monkeypatch, make_checkpoint):
    """Checkpoints of both networks, by their names."""
    load, folders = explain.checkpoint.load, {}

    def by_name(name):
        if name not in folders:
            folders[name] = make_checkpoint(name, name=name)
        return load(folders[name])

    monkeypatch.setattr(explain.checkpoint, "load", by_name)


def test_both_sides_of_the_explain_suite_draw_the_same_map(untrained):
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    arguments = ("basenet", "stage3", image, [3, 5])
    ours, theirs = (make(*arguments)() for make in (explain.our_maps, explain.library_maps))
    assert [heat.target for heat in ours] == [3, 5]
    for heat, (final,) in zip(ours, theirs, strict=True):
        values = heat.values - heat.values.min()
        large = np.clip(cv2.resize(values / values.max(), (32, 32)), 0, None)
        np.testing.assert_allclose((large - large.min()) / np.ptp(large), final, atol=1e-4)


def test_the_explain_suite_has_a_row_a_layer_and_the_bar_at_the_last(monkeypatch):
    monkeypatch.setattr(explain, "our_maps", lambda *_: 200)
    monkeypatch.setattr(explain, "library_maps", lambda *_: 600)
    monkeypatch.setattr(explain, "milliseconds", lambda side, times: lambda: side)
    rows = explain.explain_suite()
    assert [row.row for row in rows if row.bound] == [
        "resnet, stage3, one class",
    ]
    assert len(rows) == 4 + 1 + 5 + 1
    assert all(row.ratio == 3 and row.ok and row.n == explain.BLOCKS for row in rows)
    assert [row.ours for row in rows if row.row.startswith("basenet")] == [25.0] * 5 + [50.0]


def test_a_block_is_timed_as_a_whole():
    calls = []
    assert turns.milliseconds(lambda: calls.append(1), 3)() >= 0
    assert len(calls) == 3


def test_without_the_library_the_explain_suite_says_what_to_install(untrained, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    with pytest.raises(LensError, match=r"pip install -r requirements-dev\.txt"):
        explain.row("basenet", "stage3", 1)


SERVED = """
import http.server, os

print("what a server says when it starts", flush=True)
port = int(os.environ["GRADIO_SERVER_PORT"])
http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_server_that_is_measured_leaves_standard_output_to_the_report(tmp_path, capfd):
    (tmp_path / "serve.py").write_text(SERVED)
    with serving(tmp_path / "serve.py"):
        pass
    assert capfd.readouterr().out == ""
