import assert from "node:assert/strict";
import test from "node:test";

import { positionAfter } from "../../../cifar/ui/components/explorer/gallery.js";

test("keys move within the selection", () => {
  const after = (key, at) => positionAfter(key, at, 100, 6);
  assert.equal(after("ArrowRight", 3), 4);
  assert.equal(after("ArrowDown", 3), 9);
  assert.equal(after("ArrowUp", 3), 0);
  assert.equal(after("PageDown", 70), 99);
  assert.equal(after("Home", 50), 0);
  assert.equal(after("End", 50), 99);
  assert.equal(after("x", 50), null);
});
