import assert from "node:assert/strict";
import test from "node:test";

import * as values from "../../../cifar/ui/components/evidence/probe-values.js";

const probe = /** @type {import('../../../cifar/ui/components/evidence/probes.js').Probe} */ ({
  settings: [-1, 0, 1],
  neutral: 0,
  probabilities: [
    [0.1, 0.88, 0.02],
    [0.9, 0.09, 0.01],
    [0.6, 0.38, 0.02],
  ],
});

test("a probe knows its prediction and where it flips", () => {
  assert.equal(values.predictedOf(probe), 0);
  assert.deepEqual(values.probabilitiesOf(probe, 1), [0.88, 0.09, 0.38]);
  assert.deepEqual(values.flippedFrom(probe, 0), [true, false, false]);
});

test("the chart has the probable classes and the required ones", () => {
  assert.deepEqual(values.relevantClasses(probe, [0]), [0, 1]);
  assert.deepEqual(values.relevantClasses(probe, [0, 2]), [0, 1, 2]);
});
