import assert from "node:assert/strict";
import test from "node:test";

import { networkView, seen, withoutAlpha } from "../../../cifar/ui/components/static/seen.js";

/**
 * Make a picture of one color for each pixel's place.
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number[]} color
 */
function picture(width, height, color) {
  const data = new Uint8Array(3 * width * height);
  for (let at = 0; at < width * height; at++)
    data.set(color(at % width, Math.floor(at / width)), 3 * at);
  return { width, height, data };
}

const RED = [255, 0, 0];
const BLUE = [0, 0, 255];
const pixel = (
  /** @type {Uint8Array} */ view,
  /** @type {number} */ x,
  /** @type {number} */ y,
) => [...view.slice(3 * (32 * y + x), 3 * (32 * y + x) + 3)];

test("a picture of 32x32 pixels stays as it is", () => {
  const same = picture(32, 32, (x, y) => [8 * x, 8 * y, (x * y) % 256]);
  for (const fit of /** @type {const} */ (["crop", "fit", "stretch"]))
    assert.deepEqual(networkView(same, fit), same.data);
});

test("a wide picture is cropped to its middle, put on its mean color, or squeezed", () => {
  // Blue outside the central square.
  const wide = picture(128, 64, (x) => (x < 32 || x >= 96 ? BLUE : RED));
  const [crop, fit, stretch] = /** @type {const} */ (["crop", "fit", "stretch"]).map((how) =>
    networkView(wide, how),
  );
  assert.deepEqual(pixel(crop, 3, 16), RED);
  assert.deepEqual(pixel(crop, 28, 16), RED);
  assert.deepEqual(pixel(fit, 16, 0), [128, 0, 128]);
  assert.deepEqual(pixel(fit, 16, 31), [128, 0, 128]);
  assert.deepEqual(pixel(fit, 16, 16), RED);
  assert.deepEqual(pixel(fit, 2, 16), BLUE);
  assert.deepEqual(pixel(stretch, 2, 0), BLUE);
  assert.deepEqual(pixel(stretch, 16, 31), RED);
});

test("a tall picture is cropped to its middle", () => {
  const tall = picture(64, 128, (_, y) => (y < 32 || y >= 96 ? BLUE : RED));
  const view = networkView(tall, "crop");
  assert.deepEqual(pixel(view, 16, 3), RED);
  assert.deepEqual(pixel(view, 16, 28), RED);
});

test("a box takes the place of the fit", () => {
  const halves = picture(100, 100, (x) => (x < 50 ? RED : BLUE));
  const view = networkView(halves, "crop", [0.6, 0, 1, 0.4]);
  assert.deepEqual(pixel(view, 16, 16), BLUE);
  assert.deepEqual(pixel(view, 31, 31), BLUE);
});

test("the fourth byte of each pixel is left out", () => {
  const out = new Uint8Array(7);
  assert.equal(withoutAlpha(Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255), out, 1), 7);
  assert.deepEqual([...out], [0, 1, 2, 3, 4, 5, 6]);
});

test("a picture is looked at in four ways, unless a part was cut out or it has the size", () => {
  /** @param {number} width @param {number} height */
  const picture = (width, height) => ({ width, height, data: new Uint8Array(3 * width * height) });
  /** @param {Parameters<typeof seen>} asked */
  const found = (...asked) => {
    const { bytes, kind } = seen(...asked);
    return [kind, bytes.length / 3072];
  };
  assert.deepEqual(found(picture(90, 60), "crop", null), ["looks", 4]);
  assert.deepEqual(found(picture(90, 60), "crop", [0, 0, 0.5, 0.5]), ["look", 1]);
  assert.deepEqual(found(picture(90, 60), "stretch", null), ["look", 1]);
  assert.deepEqual(found(picture(32, 32), "crop", null), ["image", 1]);
});
