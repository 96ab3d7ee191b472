import assert from "node:assert/strict";
import test from "node:test";

import { rowsOf, sidesOf } from "../../../cifar/ui/components/explorer/bars.js";
import { makeData } from "../helpers.js";

/** @param {...number[]} shares */
const sides = (...shares) => shares.map((one) => ({ title: "", shares: one }));

test("classes that somebody finds likely have a row, the likeliest first", () => {
  const model = [0.001, 0.2, 0.7, 0.004, 0.095];
  const people = [0.02, 0, 0.98, 0, 0];
  assert.deepEqual(rowsOf(sides(model, people), 2, 2), [2, 1, 4, 0]);
});

test("the label and the prediction always have a row", () => {
  const model = [0.6, 0.398, 0.001, 0.0005, 0.0005];
  assert.deepEqual(rowsOf(sides(model), 0, 4), [0, 1, 4]);
});

test("there are three rows at least", () => {
  assert.deepEqual(rowsOf(sides([0, 0, 0.999, 0.001]), 2, 2), [2, 3, 0]);
});

test("every side is written as shares of one", () => {
  const data = makeData({ label: [0], predicted: [1] });
  data.images.columns.votes = Uint8Array.of(30, 20, 0);
  data.model.columns.probabilities = Uint8Array.of(51, 204, 0);
  const [model, people, ...others] = sidesOf(data, 0);
  assert.deepEqual(others, []);
  assert.equal(model.title, "ResNet");
  assert.ok(Math.abs(model.shares[0] - 0.2) < 1e-9 && Math.abs(model.shares[1] - 0.8) < 1e-9);
  assert.deepEqual(people, { title: "people (50)", shares: [0.6, 0.4, 0] });
});
