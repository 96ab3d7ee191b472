import assert from "node:assert/strict";
import test from "node:test";

import { placeInWords } from "../../../cifar/ui/components/evidence/units.js";

test("places are written in words", () => {
  assert.equal(placeInWords(0.1, 0.2), "upper left");
  assert.equal(placeInWords(0.5, 0.5), "middle");
  assert.equal(placeInWords(1, 0.5), "middle right");
  assert.equal(placeInWords(0.5, 0.99), "lower middle");
});
