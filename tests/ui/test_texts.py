"""Every text that the server sends to the page is in the tables of the other languages."""

import itertools
import json
import re

import pytest

from cifar import CLASSES
from cifar.explain.probes import PROBES
from cifar.explore import mistakes, page_data
from cifar.explore.slices import slices
from cifar.explore.store import annotations, predictions, table
from cifar.explore.verdicts import AGREEMENT, VERDICTS
from cifar.ui.scripts import COMPONENTS
from tests.explain.test_trust import verdict

TABLES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (COMPONENTS / "text").glob("*.json")
}
MODEL = page_data.models()[0]


def said() -> set[str]:
    """Return what the server may say: names and sentences."""
    options = page_data.options()
    dimensions = slices(table(MODEL), predictions(MODEL).qualities).values()
    titles = [group for one in dimensions for group in one.groups]
    stories = page_data.examples(MODEL)
    notices = [page_data.UNLIKE, page_data.not_sure(0.84)]
    return {
        *CLASSES,
        *(f"a{'n' if name[0] in 'aeiou' else ''} {name}" for name in CLASSES),
        *(f"this {name}" for name in (*CLASSES, *(one["what"] for one in stories if one["what"]))),
        *(f"{one['about'][0].upper()}{one['about'][1:]}." for one in options["methods"]),
        *(layer["title"].split(",")[0] for one in options["layers"].values() for layer in one),
        *(probe.title for probe in PROBES.values()),
        *(probe.words(s) for probe in PROBES.values() for s in probe.settings),
        *mistakes.SORTS,
        *AGREEMENT,
        *(text for pair in VERDICTS.values() for text in pair),
        *(one.title for one in dimensions),
        *(group["title"] for group in titles),
        *(group["detail"] for group in titles if group["detail"]),
        *(one["story"] for one in stories),
        *sentences(*(one["note"] for one in stories if one["note"])),
        *(text for one in notices for text in (one["title"], one["text"])),
        *(
            page_data.calibration_note(page_data.store.load(MODEL), kind)
            for kind in ("image", "looks")
        ),
        *sentences(
            *(
                verdict(fifth, 0.8 - change, beaten, control, start=0.8)[1]
                for fifth, change, beaten, control in itertools.product(
                    (0.1, 0.79, 0.8, 0.81, 0.9),
                    (-0.1, -0.01, 0, 0.01, 0.1),
                    (0, 24),
                    (-0.2, 0.3, 0.9, None),
                )
            ),
            verdict(start=0.002, beaten=0)[1],
            verdict(map_=[[1.0, 1.0]])[1],
            verdict(map_=[[0.0, 0.0]])[1],
        ),
    }


def sentences(*texts: str) -> list[str]:
    return [part for text in texts for part in re.split(r"(?<=\.) (?=[A-Z])", text)]


def pattern(text: str) -> re.Pattern:
    pieces = re.split(r"\{\w+\}", text)
    return re.compile("(.+?)".join(map(re.escape, pieces)))


def test_there_are_tables_and_annotations():
    assert len(TABLES) == 6 and annotations() is not None


@pytest.mark.parametrize("language", TABLES)
def test_a_table_has_all_that_the_server_says(language):
    texts = [text for part in TABLES[language].values() for text in part]
    patterns = [pattern(text) for text in TABLES[language]["server"] if "{" in text]
    unknown = [
        one
        for one in sorted(said())
        if one not in texts and not any(known.fullmatch(one) for known in patterns)
    ]
    assert unknown == []


def test_all_tables_have_the_same_texts():
    known = [{part: list(texts) for part, texts in one.items()} for one in TABLES.values()]
    assert all(one == known[0] for one in known)
