import assert from "node:assert/strict";
import test from "node:test";

import { nearest } from "../../../cifar/ui/components/explorer/points.js";
import * as viewports from "../../../cifar/ui/components/explorer/viewport.js";

const { WHOLE, bounded, placeOf, pointOf, zoomed } = viewports;

test("zooming keeps the point under the pointer", () => {
  const closer = zoomed(WHOLE, 2, [0.25, 0.75]);
  assert.equal(closer.scale, 2);
  assert.deepEqual(placeOf(closer, [0.25, 0.75]), [0.25, 0.75]);
  assert.deepEqual(pointOf(closer, 0.25, 0.75, 100), [25, 75]);
  assert.deepEqual(zoomed(closer, 0.1), WHOLE);
});

test("no viewport leaves the map", () => {
  assert.deepEqual(bounded({ scale: 2, left: 0.9, top: -1 }), { scale: 2, left: 0.5, top: 0 });
  assert.deepEqual(bounded({ scale: 0.5, left: 1, top: 1 }), WHOLE);
});

test("the pointer finds the selection before other points", () => {
  const points = Float32Array.from([0.5, 0.5, 0.52, 0.5, 0.9, 0.9]);
  assert.equal(nearest(points, [0.5, 0.5], 0.1, Uint16Array.from([1, 0, 0])), 1);
  assert.equal(nearest(points, [0.5, 0.5], 0.1, Uint16Array.from([1, 1, 0])), 0);
  assert.equal(nearest(points, [0.1, 0.1], 0.1, Uint16Array.from([0, 0, 0])), -1);
});
