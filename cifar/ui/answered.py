"""The newest answers to pictures, since each change of a heat map asks about the same picture.

Eight looks at a photograph cost the network as much as the map that is asked for.
"""

from collections import OrderedDict
from threading import Lock

from cifar.data.pictures import Seen
from cifar.evaluation import classifier
from cifar.evaluation.classifier import Answer
from cifar.models.checkpoint import Checkpoint

KEPT = 64  # answers, of about 20 kB each with the pixels that they are to

_answers: OrderedDict[tuple[str, str, bytes], Answer] = OrderedDict()
_lock = Lock()


def classify(ckpt: Checkpoint, seen: Seen) -> Answer:
    """Classify a picture as `classifier.classify` does, or return the kept answer to it.

    ckpt: one of `store.load`, which do not change.
    """
    key = ckpt.sha256, seen.kind, seen.views.tobytes()
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            return _answers[key]
    answer = classifier.classify(ckpt, seen)
    with _lock:
        _answers[key] = answer
        if len(_answers) > KEPT:
            _answers.popitem(last=False)
    return answer
