import assert from "node:assert/strict";
import test from "node:test";

import { softmax } from "../../../cifar/ui/components/shared/softmax.js";
import { METHODS, heatMap } from "../../../cifar/ui/components/static/cam.js";

// Two classes, two maps of 2x2 cells; the first class looks at the first map three times as much.
const RUN = {
  logits: Float32Array.of(1, 0),
  maps: Float32Array.of(0, 2, 2, 1, 0, 0, 0, 4),
  weights: Float32Array.of(3, 1, -1, 0.5),
  averaged: false,
  height: 2,
  width: 2,
};

test("the gradient of equal cells goes to the first of them, as in PyTorch", () => {
  assert.deepEqual(heatMap(RUN, 0, "hirescam").values, [0, 6, 0, 4]);
});

test("Grad-CAM weighs each map by the mean of its gradient", () => {
  // The gradient is the head's weight at one of four cells.
  assert.deepEqual(heatMap(RUN, 0, "gradcam").values, [0, 1.5, 1.5, 0.75 + 1]);
  // Evidence against a class is not shown.
  assert.deepEqual(heatMap(RUN, 1, "gradcam").values, [0, 0, 0, 0.5 - 0.25]);
});

test("the gradient of means is the same everywhere", () => {
  const run = { ...RUN, averaged: true };
  assert.deepEqual(heatMap(run, 0, "hirescam").values, [0, 1.5, 1.5, 0.75 + 1]);
  assert.deepEqual(heatMap(run, 0, "gradcam").values, [0, 1.5, 1.5, 0.75 + 1]);
  assert.deepEqual(heatMap(run, 1, "layercam").values, [0, 0, 0, 0.5]);
});

test("a map that is 0 everywhere adds nothing", () => {
  const run = { ...RUN, maps: Float32Array.of(0, 2, 2, 1, 0, 0, 0, 0) };
  for (const method of METHODS)
    for (const value of heatMap(run, 0, method).values) assert.ok(Number.isFinite(value));
  assert.equal(heatMap(run, 0, "gradcam").values[0], 0);
});

test("FinerCAM of two classes follows the gradient of its score", () => {
  const logits = [1.2, -0.3, 0.7, 0.1];
  const maps = Float32Array.of(2, 5);
  const weights = Float32Array.of(0.3, -0.1, 0.2, 0.4, -0.5, 0.1, 0.6, 0.2);
  const run = {
    ...{ logits: Float32Array.from(logits), maps, weights },
    ...{ averaged: false, height: 1, width: 1 },
  };
  const score = (/** @type {number[]} */ z) => {
    const shares = softmax(z);
    return (shares[2] * (z[0] - z[2])) / (shares[2] + 1e-9);
  };
  // With a single cell a map, evidence is the sum of weight times activation times gradient.
  const step = 1e-5;
  const gradient = logits.map((_, j) => {
    const moved = (/** @type {number} */ by) => logits.map((z, k) => (k === j ? z + by : z));
    return (score(moved(step)) - score(moved(-step))) / (2 * step);
  });
  const evidence = [0, 1]
    .map((d) => maps[d] * gradient.reduce((sum, g, k) => sum + g * weights[2 * k + d], 0))
    .reduce((sum, value) => sum + value, 0);
  const [value] = heatMap(run, 0, "finercam", 2).values;
  assert.ok(Math.abs(value - Math.max(0, evidence)) < 1e-4, `${value} ${evidence}`);
});

test("softmax divides by the temperature and does not overflow", () => {
  const [a, b] = softmax([1000, 1000 - 2 * Math.log(3)], 2);
  assert.ok(Math.abs(a - 0.75) < 1e-12 && Math.abs(b - 0.25) < 1e-12);
});
