import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import * as heat from "../../../cifar/ui/components/shared/heat.js";
import { FakeCanvas, createRandom, paintedCanvas } from "../helpers.js";

const range = (/** @type {number} */ n) => Array.from({ length: n }, (_, k) => k);

test("values between the centers of cells are interpolated, beyond them they stay", () => {
  const values = heat.sample({ height: 2, width: 2, values: [0, 1, 2, 4] }, 4, true, 4);
  assert.equal(values[0], 0);
  assert.equal(values[15], 1);
  // A quarter of the way from one center to the next.
  assert.equal(values[1], 0.25 / 4);
  assert.equal(values[4], 0.5 / 4);
});

test("without smoothing, each cell is one square", () => {
  const random = createRandom(1);
  for (const cells of [2, 4, 8]) {
    const map = { height: cells, width: cells, values: range(cells * cells).map(random) };
    const values = heat.sample(map, 1, false, 32);
    const size = 32 / cells;
    values.forEach((value, at) => {
      const row = Math.floor(Math.floor(at / 32) / size);
      const column = Math.floor((at % 32) / size);
      assert.equal(value, Math.fround(map.values[row * cells + column]));
    });
  }
});

test("a map without evidence has no values above 0", () => {
  const map = { height: 4, width: 4, values: range(16).map(() => 0) };
  assert.ok(heat.sample(map, 0, true, 8).every((value) => value === 0));
});

test("maps beside each other share the scale of the highest value", () => {
  const map = (/** @type {number[]} */ values) => ({ target: 0, height: 1, width: 2, values });
  assert.equal(heat.peak([map([0, 2]), map([3, 1])]), 3);
  assert.equal(heat.peak([]), 0);
});

test("strength runs from the image alone to the map alone", () => {
  const steps = range(11).map((k) => k / 10);
  const covers = steps.map((strength) => steps.map((value) => heat.cover(value, strength)));
  assert.ok(covers[0].every((share) => share === 0));
  assert.ok(covers[10].every((share) => share === 1));
  for (let s = 1; s < 11; s++)
    for (let v = 0; v < 11; v++) {
      assert.ok(covers[s][v] >= covers[s - 1][v], "more strength never uncovers the image");
      if (s < 10 && v) assert.ok(covers[s][v] > covers[s][v - 1], "more evidence covers more");
    }
});

test("color tables hold the numbers of their hex codes", () => {
  const table = heat.colourTable(["#000004", "#bc3754"]);
  assert.deepEqual([...table], [0, 0, 4, 0xbc, 0x37, 0x54]);
});

// Drawing, on a canvas without a browser

before(() => Object.assign(globalThis, { document: { createElement: () => new FakeCanvas() } }));
after(() => Reflect.deleteProperty(globalThis, "document"));

/**
 * Draw on a new canvas and return the colors of some of its pixels.
 * @param {(canvas: HTMLCanvasElement, image: HTMLCanvasElement) => void} draw
 * @param {FakeCanvas} image
 * @param {number[]} places
 */
function drawn(draw, image, places) {
  const canvas = new FakeCanvas();
  const asCanvas = (/** @type {unknown} */ one) => /** @type {HTMLCanvasElement} */ (one);
  draw(asCanvas(canvas), asCanvas(image));
  assert.equal(canvas.width, 224);
  return places.map((at) => [...canvas.pixels.data.slice(4 * at, 4 * at + 3)]);
}

test("drawing shows the image at strength 0, the colors at 1, and a mix between", () => {
  const color = (/** @type {number} */ at) => [0, 1, 2].map((c) => ((4 * at + c) * 37) % 256);
  const image = paintedCanvas(32, color);
  const table = heat.colourTable(["#000004", "#bc3754", "#fcffa4"]);
  const values = heat.sample({ height: 1, width: 1, values: [1] }, 2, true);
  const [alone, mixed, covered] = [0, 0.5, 1].map((strength) =>
    drawn((canvas, one) => heat.drawHeat(canvas, one, values, strength, table), image, [
      0,
      7,
      7 * 224,
    ]),
  );
  assert.deepEqual(alone, [color(0), color(1), color(32)]);
  assert.deepEqual(covered, Array(3).fill([0xbc, 0x37, 0x54]));
  mixed.forEach((rgb, k) =>
    rgb.forEach((value, c) => {
      // Half the scale at half the strength covers 0.5 ** (4 - 3.6 / 2) of the image.
      const share = 0.5 ** 2.2;
      assert.ok(Math.abs(value - ((1 - share) * alone[k][c] + share * covered[k][c])) <= 1);
    }),
  );
});

test("a contrast takes its colors from both ends of the table", () => {
  const image = paintedCanvas(32, () => [0, 0, 0]);
  const table = heat.colourTable(["#ff0000", "#00ff00", "#0000ff"]);
  const colorsAt = (/** @type {number} */ strength) =>
    [-2, 0, 2].map((value) => {
      const values = heat.sample({ height: 1, width: 1, values: [value] }, 2, true);
      return drawn(
        (canvas, one) => heat.drawContrast(canvas, one, values, strength, table),
        image,
        [100 * 224 + 100],
      )[0];
    });
  assert.deepEqual(colorsAt(1), [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ]);
  const [low, none, high] = colorsAt(0.5);
  // Both ends are drawn equally strong; what favors neither class hardly covers the image.
  assert.equal(low[0], high[2]);
  assert.ok(low[0] > none[1]);
  assert.deepEqual([low[1], low[2], high[0], high[1]], [0, 0, 0, 0]);
});
