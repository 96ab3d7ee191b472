import json
import sys
from dataclasses import asdict

import pytest

from cifar import LensError, files
from cifar.__main__ import main
from cifar.training import ablations
from cifar.training.ablations import add, changes, collect, load, report, table
from cifar.training.recipe import Recipe


def written(**fields):
    """A recipe as it stands in a file, where tuples are lists."""
    recipe = Recipe(**{"network": "basenet", "epochs": 2} | fields)
    return json.loads(json.dumps(asdict(recipe)))


@pytest.fixture
def make_run(tmp_path):
    """A function that writes what a finished run leaves behind and returns its comparison."""

    def make(
        name,
        val=0.8,
        *,
        comparison="optimiser",
        train=0.9,
        seconds=60,
        petaflop=0.002,
        hardware="a test",
        taught="",
        **f,
    ):
        folder = tmp_path / comparison / name / "checkpoint"
        folder.mkdir(parents=True)
        training = {"images": 48_000, "epochs": f.get("epochs", 2), "hardware": hardware}
        training |= {"seconds": seconds, "petaflop": petaflop, "official": True, "torch": "2.9"}
        training |= {"teacher_sha256": taught} if taught else {}
        recipe = written(**f)
        config = {"network": recipe["network"], "parameters": 48_370, "recipe": recipe}
        config["training"] = training
        files.write_json(folder / "config.json", config)
        losses = {"size": 32, "train_loss": 1.5, "val_loss": 1.25}
        lines = [
            {"epoch": epoch, "train_accuracy": a, "val_accuracy": b, **losses}
            for epoch, (a, b) in enumerate(((0.1, 0.2), (train, val)), start=1)
        ]
        files.write_json_lines(folder / "history.jsonl", lines)
        return tmp_path / comparison

    return make


@pytest.fixture
def two_seeds(make_run):
    """A comparison of a baseline with two seeds, and of another recipe before it in the alphabet.

    The other one leaves its learning rate alone, and has a list and an empty text.
    """
    make_run("baseline-0", 0.80, train=0.90, seconds=40, petaflop=0.002, teacher="resnet")
    make_run("baseline-1", 0.82, train=0.92, seconds=50, petaflop=0.003, teacher="resnet", seed=1)
    sizes = (16, 16, 16, 24, 32, 32)
    return make_run("alone", 0.75, train=0.7, seconds=100, petaflop=0.001, epochs=6, sizes=sizes)


@pytest.fixture
def records(tmp_path, monkeypatch):
    """The paths of both records, away from those of the project."""
    monkeypatch.setattr(ablations, "FACTS", tmp_path / "records" / "comparisons.jsonl")
    monkeypatch.setattr(ablations, "REPORT", tmp_path / "records" / "RECIPES.md")
    (tmp_path / "records").mkdir()
    return ablations.FACTS, ablations.REPORT


def cells(markdown):
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in markdown.splitlines()]


def test_a_fact_says_what_a_run_was_and_gave(make_run):
    (fact,) = collect(make_run("baseline", 0.8125, train=0.75, lr=0.25))
    assert fact["comparison"] == "optimiser" and fact["run"] == "baseline"
    assert fact["recipe"] == written(lr=0.25) and fact["parameters"] == 48_370
    assert fact["training"]["petaflop"] == 0.002
    assert fact["train_accuracy"] == 0.75 and fact["val_accuracy"] == 0.8125


def test_the_baseline_comes_first(two_seeds):
    assert [fact["run"] for fact in collect(two_seeds)] == ["baseline-0", "baseline-1", "alone"]


def test_a_comparison_is_called_as_its_folder_however_that_is_given(make_run, monkeypatch):
    monkeypatch.chdir(make_run("baseline"))
    assert collect(".")[0]["comparison"] == collect("../optimiser/")[0]["comparison"] == "optimiser"


def test_a_run_that_is_not_finished_is_left_out(make_run):
    folder = make_run("baseline")
    (folder / "sgd").mkdir()
    files.write_json(folder / "sgd" / "recipe.json", written(muon_lr=0.0))
    (folder / "notes.txt").write_text("nothing")
    assert [fact["run"] for fact in collect(folder)] == ["baseline"]


def test_a_comparison_without_a_finished_baseline_is_refused(make_run, tmp_path):
    folder = make_run("sgd")
    (folder / "baseline").mkdir()
    for path in (folder, tmp_path / "nowhere"):
        with pytest.raises(LensError, match=f"{path.name} holds no finished run whose name starts"):
            collect(path)


def test_facts_come_back_as_they_were_added(make_run, tmp_path):
    facts = add([make_run("baseline")], tmp_path / "facts.jsonl")
    assert load(tmp_path / "facts.jsonl") == facts == collect(tmp_path / "optimiser")


def test_adding_replaces_the_same_comparison_and_keeps_the_others(make_run, tmp_path):
    path = tmp_path / "facts.jsonl"
    add([make_run("baseline", 0.1), make_run("baseline", 0.2, comparison="sizes")], path)
    path_of_history = tmp_path / "optimiser" / "baseline" / "checkpoint" / "history.jsonl"
    *_, last = files.read_json_lines(path_of_history)
    files.write_json_lines(path_of_history, [last | {"val_accuracy": 0.3}])
    (tmp_path / "sizes").rename(tmp_path / "gone")
    add([make_run("sgd", 0.4, muon_lr=0.0)], path)
    found = {(fact["comparison"], fact["run"]): fact["val_accuracy"] for fact in load(path)}
    assert len(load(path)) == 3
    assert found == {
        ("sizes", "baseline"): 0.2,
        ("optimiser", "baseline"): 0.3,
        ("optimiser", "sgd"): 0.4,
    }


def test_a_folder_given_twice_counts_once(make_run, tmp_path):
    folder = make_run("baseline")
    assert len(add([folder, folder], tmp_path / "facts.jsonl")) == 1


def test_a_refused_comparison_leaves_the_record_alone(make_run, tmp_path):
    path = tmp_path / "facts.jsonl"
    add([make_run("baseline")], path)
    before = path.read_bytes()
    with pytest.raises(LensError, match="no finished run"):
        add([make_run("baseline", comparison="a"), make_run("sgd", comparison="b")], path)
    assert path.read_bytes() == before


def test_nothing_at_all_is_refused_and_writes_no_file(tmp_path):
    assert load(tmp_path / "facts.jsonl") == []
    with pytest.raises(LensError, match="No comparison is on record yet"):
        add([], tmp_path / "facts.jsonl")
    assert not (tmp_path / "facts.jsonl").exists()


def test_changes_are_the_fields_that_differ_but_for_the_seed():
    ours, theirs = written(lr=0.25, sizes=(16, 32), seed=4), written(lr=0.5, epochs=2)
    assert changes(ours, theirs) == {"lr": 0.25, "sizes": [16, 32]}
    assert changes(written(seed=1), written()) == {}


def test_a_field_that_is_newer_than_a_run_had_its_usual_value():
    old = written()
    del old["teacher"]
    assert changes(written(teacher="resnet"), old) == {"teacher": "resnet"}
    assert changes(old, written(teacher="resnet")) == {"teacher": ""}
    assert changes(written(), old) == changes(old, written()) == {}


def test_seeds_share_a_row_of_means(two_seeds):
    head, _, baseline, alone = cells(table(collect(two_seeds)))
    assert " ".join(head) == "what differs seeds epochs PFLOP time train val difference"
    assert baseline == ["baseline", "2", "2", "0.0025", "45 s", "91.00%", "81.00%", ""]
    assert alone[1:7] == ["1", "6", "0.0010", "2 min", "70.00%", "75.00%"]


def test_a_difference_comes_with_two_standard_errors(two_seeds):
    # 81% on two times 2,000 images: 0.81 * 0.19 / 4,000 = 0.000038475; 75% on 2,000 images:
    # 0.75 * 0.25 / 2,000 = 0.00009375; twice the root of their sum is 0.022998.
    assert cells(table(collect(two_seeds)))[-1][-1] == "-6.00 ± 2.30"


def test_what_differs_is_written_briefly(two_seeds):
    differing = cells(table(collect(two_seeds)))[-1][0]
    assert differing == "epochs 6, sizes 3x16, 24, 2x32, teacher none"


def test_another_machine_is_named(make_run):
    make_run("baseline")
    folder = make_run("elsewhere", hardware="a GPU", lr=0.25)
    assert cells(table(collect(folder)))[-1][0] == "lr 0.25, on a GPU"


def test_other_weights_of_the_teacher_are_named(make_run):
    make_run("baseline", teacher="FOLDER", taught="a" * 64)
    make_run("again", teacher="FOLDER", taught="a" * 64, seed=1)
    folder = make_run("other", teacher="FOLDER", taught="b" * 64)
    rows = cells(table(collect(folder)))[2:]
    assert [row[:2] for row in rows] == [["baseline", "2"], ["taught by weights bbbbbbbb", "1"]]


def test_numbers_and_switches_are_written_as_they_were_chosen(make_run):
    make_run("baseline")
    folder = make_run("other", weight_decay=5e-4, bias_lr_factor=16.0, whiten=False, sizes=(16, 24))
    differing = cells(table(collect(folder)))[-1][0]
    assert differing == "sizes 16, 24, weight_decay 0.0005, bias_lr_factor 16, whiten False"


def test_every_row_of_a_table_has_every_column(two_seeds):
    assert {len(row) for row in cells(table(collect(two_seeds)))} == {8}


def test_the_report_has_a_heading_and_a_table_a_comparison(make_run, two_seeds):
    facts = collect(make_run("baseline", comparison="picture-sizes", epochs=8, sizes=(16, 16, 32)))
    facts += collect(two_seeds)
    text = report(facts)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["# Why the recipes are what they are", "## Picture sizes", "## Optimiser"]
    # The last size holds until the last epoch.
    assert "48,000 images, 8 epochs (pixels a side: 2x16, 6x32), batch 500, on a test." in text
    assert "2 epochs (pixels a side: 2x32)" in text and "`basenet` (48,370 parameters)" in text
    assert table(facts[:1]) in text and table(facts[1:]) in text
    assert text.endswith("|\n")


def test_recipes_writes_both_records_and_can_be_repeated(two_seeds, records, monkeypatch, capsys):
    facts, written_report = records
    for arguments in ([str(two_seeds)], [str(two_seeds)], []):
        monkeypatch.setattr(sys, "argv", ["cifar", "recipes", *arguments])
        main()
        assert capsys.readouterr().out == f"{written_report}\n"
        assert len(facts.read_text().splitlines()) == 3
        assert written_report.read_text(encoding="utf-8") == report(load(facts))
    assert sorted(facts.parent.iterdir()) == sorted(records)


def test_recipes_says_in_a_line_what_is_missing(records, tmp_path, monkeypatch):
    for arguments, message in ([], "on record yet"), ([str(tmp_path)], "no finished run"):
        monkeypatch.setattr(sys, "argv", ["cifar", "recipes", *arguments])
        with pytest.raises(SystemExit, match=f"^python -m cifar: .*{message}"):
            main()
    assert not any(path.exists() for path in records)
