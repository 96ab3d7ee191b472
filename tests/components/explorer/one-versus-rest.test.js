import assert from "node:assert/strict";
import test from "node:test";

import { oneVersusRest } from "../../../cifar/ui/components/explorer/one-versus-rest.js";

test("a class is found, missed, or taken for another, and the rest is none of its business", () => {
  const counts = Uint32Array.from([8, 2, 0, 1, 7, 2, 3, 0, 7]);
  assert.deepEqual(oneVersusRest(counts, 3, 0), {
    ...{ found: 8, missed: 2, taken: 4, rest: 16 },
    ...{ recall: 0.8, precision: 8 / 12, f1: 8 / 11 },
  });
});

test("a class that is never seen has no share of nothing", () => {
  const { recall, precision, f1 } = oneVersusRest(new Uint32Array(4), 2, 1);
  assert.deepEqual([recall, precision, f1], [0, 0, 0]);
});
