import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from cifar.evaluation import metrics


@pytest.fixture
def scored():
    """Random logits (500, 10) of a network that is right about half the time, and labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    logits = rng.normal(0, 2, (500, 10)).astype(np.float32)
    logits[np.arange(500), labels] += 3
    return logits, labels


def softmax(logits):
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def test_probabilities_are_softmax(scored):
    logits, _ = scored
    probs = metrics.probabilities(logits, 2.5)
    assert probs.dtype == np.float64
    np.testing.assert_allclose(probs, softmax(logits.astype(np.float64) / 2.5), rtol=1e-12)
    np.testing.assert_allclose(metrics.probabilities(logits[0], 2.5), probs[0], rtol=1e-12)


def test_probabilities_survive_huge_logits():
    probs = metrics.probabilities(np.array([[1e5, 0, -1e5]]))
    assert probs.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("temperature", [0.5, 1, 3])
def test_nll_equals_scikit_learn(scored, temperature):
    logits, labels = scored
    probs = softmax(logits.astype(np.float64) / temperature)
    expected = reference.log_loss(labels, probs, labels=range(10))
    assert metrics.nll(logits, labels, temperature) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_a_known_factor(factor):
    rng = np.random.default_rng(1)
    calibrated = rng.normal(0, 2, (20_000, 10))
    thresholds = rng.random((20_000, 1))
    labels = (softmax(calibrated).cumsum(1) < thresholds).sum(1).clip(max=9)
    assert metrics.fit_temperature(calibrated * factor, labels) == pytest.approx(factor, rel=0.03)


def test_the_temperature_is_that_of_lbfgs(scored):
    logits, labels = torch.tensor(scored[0], dtype=torch.float64), torch.tensor(scored[1])
    log_t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits / log_t.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert metrics.fit_temperature(*scored) == pytest.approx(log_t.exp().item(), rel=1e-4)


def test_the_temperature_of_faultless_logits_stays_in_bounds():
    logits = 0.5 * np.eye(10)
    assert metrics.fit_temperature(logits, np.arange(10)) == pytest.approx(0.05, rel=0.01)


def slow_ece(probs, labels, bins):
    total = 0.0
    for i in range(bins):
        rows = [
            j for j in range(len(labels)) if i / bins < probs[j].max() <= (i + 1) / bins
        ]  # fmt: skip
        if rows:
            confidence = sum(probs[j].max() for j in rows) / len(rows)
            correct = sum(probs[j].argmax() == labels[j] for j in rows) / len(rows)
            total += len(rows) / len(labels) * abs(confidence - correct)
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_ece_equals_a_slow_loop(scored, bins):
    logits, labels = scored
    probs = softmax(logits.astype(np.float64))
    ours = metrics.expected_calibration_error(probs, labels, bins)
    assert ours == pytest.approx(slow_ece(probs, labels, bins), abs=1e-12)
    assert ours > 0.005


def test_ece_of_a_confident_half_truth_is_a_half():
    probs = np.array([[1.0, 0.0]] * 4)
    assert metrics.expected_calibration_error(probs, np.array([0, 0, 1, 1])) == 0.5


def test_a_confidence_of_1_is_in_the_last_bin():
    rows = metrics.reliability(np.array([[1.0, 0.0]]), np.array([0]))
    assert len(rows) == 15 and rows[-1] == {
        "low": 14 / 15,
        "high": 1.0,
        "n": 1,
        "confidence": 1.0,
        "accuracy": 1.0,
    }


@pytest.mark.parametrize("bins", [4, 10, 15])
def test_a_confidence_on_an_edge_belongs_to_the_bin_below(bins):
    for i in range(-(-bins // 2), bins + 1):
        rows = metrics.reliability(np.array([[i / bins, 1 - i / bins]]), np.array([0]), bins)
        assert [row["n"] for row in rows].index(1) == i - 1


def test_an_empty_bin_has_no_means():
    rows = metrics.reliability(np.array([[0.9, 0.1]]), np.array([1]), 2)
    assert rows[0] == {"low": 0.0, "high": 0.5, "n": 0, "confidence": None, "accuracy": None}
    assert rows[1]["confidence"] == pytest.approx(0.9) and rows[1]["accuracy"] == 0


def test_bins_hold_every_row_once(scored):
    rows = metrics.reliability(softmax(scored[0]), scored[1])
    assert sum(row["n"] for row in rows) == 500


# Worked by hand: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z² = 3.841459.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (9230, 10_000, 0.91761, 0.92806),
        (5, 10, 0.23659, 0.76341),
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (1, 1, 0.20654, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_intervals_are_those_worked_by_hand(successes, n, low, high):
    assert metrics.wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-5)


def test_wilson_bounds_are_where_the_score_test_turns():
    """Seen from either bound, the measured share lies z standard errors away."""
    for successes, n in [(3, 40), (930, 1000), (0, 25)]:
        for bound in metrics.wilson_interval(successes, n):
            if 0 < bound < 1:
                error = (bound * (1 - bound) / n) ** 0.5
                assert abs(successes / n - bound) / error == pytest.approx(1.959964, rel=1e-6)


def test_a_proportion_has_its_n_and_interval():
    share = metrics.proportion(9230, 10_000)
    assert share["value"] == 0.923 and share["n"] == 10_000
    assert share["low"] < 0.923 < share["high"]


def test_a_proportion_of_nothing_is_no_number():
    assert metrics.proportion(0, 0) == {"value": None, "n": 0, "low": 0.0, "high": 1.0}


def test_margin_is_first_minus_second():
    probs = np.array([[0.1, 0.7, 0.2], [0.4, 0.4, 0.2], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(metrics.margin(probs), [0.5, 0.0, 1.0], atol=1e-12)


def test_entropy_is_0_when_sure_and_log_10_when_clueless():
    sure, clueless = np.eye(10)[:1], np.full((1, 10), 0.1)
    assert metrics.entropy(sure) == pytest.approx([0])
    assert metrics.entropy(clueless) == pytest.approx([np.log(10)])


def test_entropy_of_a_coin_and_a_die():
    assert metrics.entropy(np.array([[0.5, 0.5, 0, 0]])) == pytest.approx([0.693147], abs=1e-6)
    assert metrics.entropy(np.array([[0.7, 0.2, 0.1]])) == pytest.approx([0.801819], abs=1e-6)


def test_a_paired_difference_is_that_worked_by_hand():
    """Of 100 pairs, 25 and 10 differ: 15/102 and 1.96 times sqrt(36 - 15 * 15 / 102) / 102."""
    difference = metrics.paired_difference(25, 10, 100)
    assert (difference["value"], difference["n"]) == (0.15, 100)
    assert difference["low"] == pytest.approx(0.0354, abs=1e-4)
    assert difference["high"] == pytest.approx(0.2588, abs=1e-4)
    other_way = metrics.paired_difference(10, 25, 100)
    assert (other_way["low"], other_way["high"]) == (-difference["high"], -difference["low"])
    alike = metrics.paired_difference(0, 0, 10)
    assert alike["value"] == 0 and alike["low"] == -alike["high"] < 0
