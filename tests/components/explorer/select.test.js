import assert from "node:assert/strict";
import test from "node:test";

import * as selecting from "../../../cifar/ui/components/explorer/select.js";
import { START } from "../../../cifar/ui/components/explorer/view.js";
import { makeData } from "../helpers.js";

const [CAT, DOG, FROG] = [0, 1, 2];

// 0: cat as dog, 1: cat, 2: dog as cat, 3: frog, 4: dog as frog, 5: frog as dog
const data = makeData({
  label: [CAT, CAT, DOG, FROG, DOG, FROG],
  predicted: [DOG, CAT, CAT, FROG, FROG, DOG],
  other: [CAT, CAT, CAT, DOG, DOG, CAT],
  confidence: [90, 80, 70, 60, 50, 40],
  verdict: [1, 0, 2, 0, 1, 2],
  agreement: [0, 0, 1, 1, 0, 1],
  slice: [0, 1, 0, 1, 0, 1],
});
const backward = selecting.orderOf(Uint16Array.of(5, 4, 3, 2, 1, 0));

/**
 * @param {Partial<import('../../../cifar/ui/components/explorer/view.js').View>} filters
 * @param {number[]} [area]
 */
function selected(filters, area) {
  const mask = area ? Uint8Array.from(area) : null;
  const fails = selecting.failures(data, { ...START, ...filters }, mask);
  return [...selecting.select(fails, backward)];
}

test("the selection passes all filters, in the order of the sort", () => {
  assert.deepEqual(selected({}), [5, 4, 2, 0]);
  assert.deepEqual(selected({ outcome: "right" }), [3, 1]);
  assert.deepEqual(selected({ outcome: "all" }), [5, 4, 3, 2, 1, 0]);
  assert.deepEqual(selected({ true: DOG }), [4, 2]);
  assert.deepEqual(selected({ true: DOG, predicted: FROG }), [4]);
  assert.deepEqual(selected({ verdict: 1 }), [5, 2]);
  assert.deepEqual(selected({ agreement: 0 }), [4, 0]);
  assert.deepEqual(selected({ slice: { key: "brightness", group: 1 } }), [5]);
  assert.deepEqual(selected({ outcome: "all" }, [1, 1, 0, 0, 0, 1]), [5, 1, 0]);
});

test("both ends of a range of confidence are kept", () => {
  assert.deepEqual(selected({ outcome: "all", low: 50, high: 70 }), [4, 3, 2]);
});

test("a comparison selects by which model is right", () => {
  const cells = [0, 1, 2, 3].map((cell) => selected({ outcome: "all", cell }));
  assert.deepEqual(cells, [[1], [4, 0], [3], [5, 2]]);
  const { label } = data.images.columns;
  const crossing = selecting.crossing(
    label,
    data.model.columns.predicted,
    data.other.columns.predicted,
  );
  assert.deepEqual([...crossing], [1, 2, 1, 2]);
});

test("each choice of a filter counts the images that the other filters leave", () => {
  const view = { ...START, true: DOG, verdict: 0 };
  const counts = selecting.facets(data, selecting.failures(data, view, null));
  // Wrong and with the first verdict: 0 and 4.
  assert.equal(counts.true.any, 2);
  assert.deepEqual([...counts.true.each], [1, 1, 0]);
  // Wrong dogs: 2 and 4.
  assert.equal(counts.verdict.any, 2);
  assert.deepEqual([...counts.verdict.each], [1, 1]);
  // Only 4 passes all; "all" counts right and wrong ones.
  assert.deepEqual([...counts.outcome.each], [1, 0, 1]);
});

test("without filters, counts of a facet add up to all mistakes", () => {
  const counts = selecting.facets(data, selecting.failures(data, START, null));
  for (const facet of [counts.true, counts.predicted, counts.verdict, counts.agreement])
    assert.equal(
      facet.each.reduce((sum, n) => sum + n, 0),
      4,
    );
});

test("the confusion matrix counts labels by predictions", () => {
  const { label } = data.images.columns;
  const counts = selecting.confusion(label, data.model.columns.predicted, 3);
  assert.deepEqual([...counts], [1, 1, 0, 1, 0, 1, 0, 1, 1]);
});
