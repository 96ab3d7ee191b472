import assert from "node:assert/strict";
import test from "node:test";

import { caption } from "../../../cifar/ui/components/explorer/captions.js";
import { makeData } from "../helpers.js";

test("a caption names the label and, if it differs, the prediction", () => {
  const data = makeData({ label: [2, 0], predicted: [0, 0], confidence: [97.2, 99.9] });
  assert.equal(caption(data, 0), "#0 frog, seen as cat 97%");
  assert.equal(caption(data, 1), "#1 cat, recognised >99%");
});
