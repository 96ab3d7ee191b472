"""The types of the API's answers, and their JSON schemas for the API's page and MCP clients.

Probabilities, confidences and shares are 0 to 1; a number that is unknown is None.
"""

import inspect
from collections.abc import Callable
from typing import Any, get_args

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from cifar.explore.page_data import Notice
from cifar.models.records import Share

# "class" is a keyword, so this type cannot be written as the others.
Probability = TypedDict("Probability", {"class": str, "probability": float | None})


class Review(TypedDict):
    """The two classes that reviewers of a label chose from, and the count of each answer."""

    given: str
    guessed: str
    answers: dict[str, int]


class Neighbor(TypedDict):
    """A training or test image and its class."""

    index: int
    label: str


class Neighbors(TypedDict):
    """The images that a network finds most similar to one."""

    training: list[Neighbor]
    test_right: Neighbor | None


class Network(TypedDict):
    """A network and the sha256 of its weights."""

    model: str
    weights_sha256: str


class Classification(Network):
    """The answer of `classify`."""

    predicted: str
    confidence: float | None
    probabilities: list[Probability]
    looks: dict[str, int]
    calibrated: str
    notices: list[Notice]


class Explanation(Network):
    """The answer of `explain`, beside the picture of the heat map."""

    predicted: str
    target: str
    method: str
    layers: list[str]
    unit: str
    peak: float | None
    values: list[list[float]]


class TestImage(TypedDict):
    """A test image, its prediction, and what people said of it."""

    index: int
    true: str
    predicted: str
    verdict: str | None
    confidence: float | None
    true_probability: float | None
    loss: float | None
    margin: float | None
    entropy: float | None
    agreement: float | None
    difficulty: int
    people: str | None


class MistakeList(Network):
    """The answer of `list_mistakes`."""

    count: int
    offset: int
    sort: str
    rows: list[TestImage]
    link: str


class Mistake(Network, TestImage):
    """The answer of `get_mistake`, beside the image."""

    caption: str
    wrong: bool
    why: str | None
    probabilities: list[Probability]
    votes: dict[str, int]
    review: Review | None
    ranks: dict[str, int]
    neighbours: Neighbors
    link: str


class Difference(TypedDict):
    """A difference of two shares of n, with its 95% interval, each -1 to 1."""

    value: float
    low: float
    high: float
    n: int


class Comparison(TypedDict):
    """The answer of `compare`."""

    model: str
    other: str
    accuracy: dict[str, Share]
    counts: dict[str, int]
    meaning: dict[str, str]
    p_value: float
    difference: Difference


def has_picture(function: Callable) -> bool:
    """Return whether an API function returns the pixels of a picture before its answer."""
    return bool(get_args(inspect.signature(function).return_annotation))


def schema(function: Callable) -> dict[str, Any]:
    """Return the JSON schema of an API function's answer, without the picture."""
    answer = inspect.signature(function).return_annotation
    return TypeAdapter(get_args(answer)[-1] if has_picture(function) else answer).json_schema()
