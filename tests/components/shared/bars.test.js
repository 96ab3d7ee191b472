import assert from "node:assert/strict";
import test from "node:test";

import { markOf, ranked, topOf } from "../../../cifar/ui/components/shared/bars.js";

test("the label and a wrong prediction are marked", () => {
  assert.deepEqual(
    [0, 1, 2].map((k) => markOf(k, 1, 2)),
    ["", "true", "said"],
  );
  assert.equal(markOf(1, 1, 1), "true");
});

test("the most probable class comes first, and the first of equals", () => {
  assert.deepEqual(ranked([0.2, 0.5, 0.2, 0.1]), [1, 0, 2, 3]);
  assert.equal(topOf([0.2, 0.5, 0.5]), 1);
});
