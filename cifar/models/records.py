"""The content of `config.json`, `metrics.json` and `history.jsonl`, and strict checks of it.

Shares and probabilities are 0 to 1. Fields that a file may have besides these are kept unchecked.
"""

import functools
import re
import reprlib
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from cifar.models.errors import CheckpointError

Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Share(TypedDict):
    """A share of n with Wilson's 95% interval; the value is None for n = 0."""

    value: Fraction | None
    n: Count
    low: Fraction
    high: Fraction


class Certain(TypedDict):
    """A share of at least one, with its interval."""

    value: Fraction
    n: Annotated[int, Field(ge=1)]
    low: Fraction
    high: Fraction


# "class" is a keyword, so this type cannot be written as the others.
ClassRow = TypedDict("ClassRow", {"class": str, "recall": Share, "precision": Share})


class Bin(TypedDict):
    """A bin of the reliability diagram, empty if n is 0."""

    low: Fraction
    high: Fraction
    n: Count
    confidence: Fraction | None
    accuracy: Fraction | None


class Split(TypedDict):
    """Measurements of a split."""

    accuracy: Certain
    top5: Certain
    mistakes: Count
    nll: Number
    nll_calibrated: Number
    ece: Number
    ece_calibrated: Number
    per_class: Annotated[list[ClassRow], Field(min_length=10, max_length=10)]
    confusion: Annotated[
        list[Annotated[list[Count], Field(min_length=10, max_length=10)]],
        Field(min_length=10, max_length=10),
    ]
    reliability: list[Bin]
    reliability_calibrated: list[Bin]


class TestSplit(Split):
    """Measurements of the test split."""

    mirrored: Certain


class Train(TypedDict):
    """Measurements of the training split."""

    accuracy: Certain


class Evaluation(TypedDict):
    """Circumstances of the evaluation."""

    hardware: str
    seconds: Count
    torch: str
    command: str


class Alarms(TypedDict):
    """The share of ordinary images that are taken for out-of-distribution ones."""

    val: Certain
    test: Certain


class OodSet(TypedDict):
    """A set of out-of-distribution images, and the share that is found."""

    name: str
    title: str
    source: str
    n: Count
    detected: Certain


class Normal(TypedDict):
    """Mean and standard deviation of a score."""

    mean: Number
    deviation: Annotated[Number, Field(gt=0)]


class Scale(TypedDict):
    """The parts of the out-of-distribution score among the test images."""

    distance: Normal
    energy: Normal


class Ood(TypedDict):
    """The out-of-distribution threshold, and what it finds."""

    score: str
    scale: Scale
    threshold: Number
    false_alarms: Alarms
    sets: list[OodSet]


class Fitted(TypedDict):
    """The temperature and thresholds for photographs."""

    temperature: Annotated[Number, Field(gt=0)]
    ood_threshold: Number
    unsure_below: Number  # more than 1 if all answers are unsure


class Estimate(TypedDict):
    """A value, 0 to 1, with its 95% interval; None where there is nothing to measure."""

    value: Fraction | None
    low: Fraction
    high: Fraction


class ViewScores(TypedDict):
    """Measurements of photographs that are looked at in one way.

    confidence: the mean on photographs of the ten classes. confident_others: the share of others
    that get more than 90%. auroc: of the out-of-distribution score.
    """

    fitted: Fitted
    accuracy: Certain
    confidence: Fraction
    nll: Number
    false_alarms: Certain
    detected: Share
    confident_others: Share
    auroc: Estimate


class Views(TypedDict):
    """Measurements by the kind of views, see `pictures.Seen`."""

    look: ViewScores
    looks: ViewScores


class Photographs(TypedDict):
    """Measurements of labelled photographs. classes: how many show each class."""

    source: str
    command: str
    hardware: str
    classes: dict[str, Count]
    others: Count
    views: Views


class UnsureShares(TypedDict):
    """The share of unsure answers, and the accuracy of these and of the others."""

    share: Share
    accuracy_below: Share
    accuracy_above: Share


class Unsure(TypedDict):
    """The confidence below which an answer is not sure."""

    below: Number  # more than 1 if all answers are unsure
    val: UnsureShares
    test: UnsureShares


class Score(TypedDict):
    """A mean with its 95% interval."""

    mean: Number
    low: Number
    high: Number


class MaybeScore(TypedDict):
    """A mean with its 95% interval; None where it was not measured."""

    mean: Number | None
    low: Number | None
    high: Number | None


class Scores(TypedDict):
    """The scores of a heat-map method at a layer."""

    method: str
    layer: str | None
    n: Count
    road: Score
    deletion: Score
    insertion: Score
    control: MaybeScore
    milliseconds: Number


class RandomScores(TypedDict):
    """The scores of random maps."""

    n: Count
    road: Score
    deletion: Score
    insertion: Score
    control: MaybeScore


class Choice(TypedDict):
    """The heat-map method and layers that are shown first."""

    method: str
    layers: list[str]


class Explain(TypedDict):
    """The scores of all heat-map methods."""

    images: Count
    command: str
    hardware: str
    seconds: Count
    rows: list[Scores]
    random: RandomScores
    default: Choice


class Trust(TypedDict):
    """Rates at which heat maps are called "better than chance".

    random: of random maps. right, wrong: of the maps that are shown first, by the prediction.
    """

    images: Count
    method: str
    layers: list[str]
    command: str
    hardware: str
    seconds: Count
    random: Certain
    right: Share
    wrong: Share


class NearDuplicates(TypedDict):
    """Test images that are nearly the same as a training image.

    listed: how many are published. accuracy_without: on the others. recall and precision: of the
    own search, against those published, on half of the test images.
    """

    listed: Count
    accuracy_without: Certain
    recall: Share
    precision: Share


class Metrics(TypedDict):
    """The content of `metrics.json`."""

    weights_sha256: str
    official: bool
    temperature: Annotated[Number, Field(gt=0)]
    val: Split
    test: TestSplit
    train: Train
    parameters: Count
    multiply_adds: Count | None  # None for a network that PyTorch does not run
    evaluation: Evaluation
    ood: Ood
    unsure: Unsure
    explain: NotRequired[Explain]
    photographs: NotRequired[Photographs]
    trust: NotRequired[Trust]
    near_duplicates: NotRequired[NearDuplicates]


class UsedRecipe(TypedDict):
    """The fields of a recipe that others than training read."""

    sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    teacher: NotRequired[str]


class Run(TypedDict):
    """Facts about a finished training run."""

    images: Count
    official: bool
    epochs: Annotated[int, Field(ge=1, le=100_000)]
    seconds: Number
    petaflop: Number
    hardware: str
    torch: str
    teacher_sha256: NotRequired[str]


class Config(TypedDict):
    """The fields of `config.json` of a network of this project that are not constants."""

    network: str
    parameters: Count
    recipe: UsedRecipe
    training: Run


class AddedLayer(TypedDict):
    """A layer of a brought network, see `facts.Layer`."""

    name: str
    label: str
    size: Annotated[int, Field(ge=1)]


Color = Annotated[list[Number], Field(min_length=3, max_length=3)]
Position = Annotated[int, Field(ge=0, le=9)]


class AddedPreprocessing(TypedDict):
    """The fields of `preprocessing.Preprocessing`."""

    mean: Color
    std: Annotated[list[Annotated[Number, Field(gt=0)]], Field(min_length=3, max_length=3)]
    channels: Literal["RGB", "BGR"]
    layout: Literal["NCHW", "NHWC"]
    size: Annotated[int, Field(ge=8, le=1024)]
    classes: Annotated[list[Position], Field(min_length=10, max_length=10)]
    outputs: Literal["logits", "probabilities", "percent"]


class AddedConfig(TypedDict):
    """The fields of `config.json` of a brought network that are not constants.

    graph_sha256: of `graph.json`, if that describes it. source: where the network came from.
    """

    network: str
    title: Annotated[str, Field(min_length=1, max_length=40)]
    source: str
    parameters: Count
    preprocessing: AddedPreprocessing
    layers: list[AddedLayer]
    graph_sha256: NotRequired[str]


class Tensor(TypedDict):
    """A tensor that the steps of a graph take. trained: it is a parameter, not a buffer."""

    name: str
    shape: list[Count]
    dtype: str
    trained: bool


class GraphStep(TypedDict):
    """An operation of a graph, see `graph.Step`."""

    name: str
    operation: str
    arguments: list
    keywords: dict


class Grid(TypedDict):
    """The layout of a map in a layer's output, see `graph._as_map`."""

    kind: Literal["map", "last", "tokens"]
    side: Annotated[int, Field(ge=1)]
    first: NotRequired[Count]


class Graph(TypedDict):
    """The content of `graph.json`: steps, names of results, and layers with the result of each."""

    steps: list[GraphStep]
    output: str
    features: str
    layers: dict[str, str]
    grids: dict[str, Grid]
    tensors: list[Tensor]


class Epoch(TypedDict):
    """A line of `history.jsonl`. size: of the training images, in pixels."""

    epoch: Count
    size: Count
    train_loss: Number
    train_accuracy: Fraction
    val_loss: Number
    val_accuracy: Fraction


class RecordedRun(TypedDict):
    """A line of `comparisons.jsonl`: a finished run of one comparison."""

    comparison: str
    run: str
    parameters: Count
    recipe: dict
    training: Run
    train_accuracy: Fraction
    val_accuracy: Fraction


def check(path: Path, content: object, kind: Any) -> None:
    """Raise CheckpointError, which names file, field and value, unless the content is of a kind."""
    try:
        _adapter(kind).validate_python(content, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"])) or "its content"
        if problem["type"] == "missing":
            raise CheckpointError(f"{path} has no {place}.") from error
        shown = reprlib.repr(problem["input"])
        reason = re.sub(r"^\w+ should", "it should", problem["msg"])
        raise CheckpointError(f"{path}: {place} is {shown}: {reason}.") from error


@functools.cache
def _adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(kind)
