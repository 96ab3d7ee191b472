import assert from "node:assert/strict";
import test from "node:test";

import { bytesOf, toPixels } from "../../../cifar/ui/components/classify/pixels.js";

test("pixels are base64 of their bytes", () => {
  const bytes = Uint8Array.from({ length: 3072 }, (_, k) => (k * 7) % 256);
  assert.equal(toPixels(bytes), Buffer.from(bytes).toString("base64"));
  assert.deepEqual(bytesOf(Buffer.from(bytes).toString("base64")), bytes);
});
