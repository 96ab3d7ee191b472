import assert from "node:assert/strict";
import test from "node:test";

import { matrixValues } from "../../../cifar/ui/components/explorer/matrix.js";

const COUNTS = Uint32Array.from([8, 2, 0, 10]);

test("cells are counts, or shares of their row or column", () => {
  assert.deepEqual(matrixValues(COUNTS, 2, "count").values, [8, 2, 0, 10]);
  assert.deepEqual(matrixValues(COUNTS, 2, "row").values, [0.8, 0.2, 0, 1]);
  assert.deepEqual(matrixValues(COUNTS, 2, "column").values, [1, 2 / 12, 0, 10 / 12]);
});

test("the color scale ends at the highest mistake", () => {
  const { most, write } = matrixValues(COUNTS, 2, "row");
  assert.equal(most, 0.2);
  assert.equal(write(most), "20");
});
