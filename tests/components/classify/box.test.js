import assert from "node:assert/strict";
import test from "node:test";

import * as boxes from "../../../cifar/ui/components/classify/box.js";
import { createRandom } from "../helpers.js";

const WIDE = { width: 640, height: 480 };

/** @typedef {import('../../../cifar/ui/components/classify/box.js').Box} Box */

/** @param {Box} box @param {typeof WIDE} size */
function assertFits(box, size) {
  for (const value of Object.values(box)) assert.ok(Number.isInteger(value) && value >= 0);
  assert.ok(box.side >= boxes.smallest(size));
  assert.ok(box.x + box.side <= size.width && box.y + box.side <= size.height);
}

test("the first box is the central square", () => {
  assert.deepEqual(boxes.centered(WIDE), { x: 80, y: 0, side: 480 });
  assert.deepEqual(boxes.shares(boxes.centered(WIDE), WIDE), [0.125, 0, 0.875, 1]);
});

test("a box cannot get smaller than what the network sees", () => {
  assert.equal(boxes.smallest(WIDE), 32);
  assert.equal(boxes.smallest({ width: 3000, height: 2000 }), 120);
  assert.equal(boxes.smallest({ width: 20, height: 50 }), 20);
});

test("however a box is moved, resized and pulled, it stays whole and inside", () => {
  const random = createRandom(0);
  const between = (/** @type {number} */ low, /** @type {number} */ high) =>
    low + random() * (high - low);
  for (let k = 0; k < 1000; k++) {
    const size = {
      width: Math.ceil(between(0, k % 2 ? 60 : 4000)),
      height: Math.ceil(between(0, 900)),
    };
    let box = boxes.centered(size);
    for (let n = 0; n < 5; n++) {
      box = boxes.moved(box, between(-600, 600), between(-600, 600), size);
      assertFits(box, size);
      box = boxes.resized(box, between(-600, 600), size);
      assertFits(box, size);
      const corner = { east: random() < 0.5, south: random() < 0.5 };
      const to = { x: between(-100, 4100), y: between(-100, 4100) };
      const next = boxes.pulled(box, corner, to, size);
      assertFits(next, size);
      // The opposite corner stays where it is.
      const anchor = (/** @type {Box} */ { x, y, side }) => [
        corner.east ? x : x + side,
        corner.south ? y : y + side,
      ];
      assert.deepEqual(anchor(next), anchor(box));
      box = next;
    }
  }
});

test("resizing keeps the middle where there is room", () => {
  const box = { x: 200, y: 150, side: 100 };
  assert.deepEqual(boxes.resized(box, 20, WIDE), { x: 190, y: 140, side: 120 });
  assert.deepEqual(boxes.resized(box, -20, WIDE), { x: 210, y: 160, side: 80 });
});
