import assert from "node:assert/strict";
import test from "node:test";

import * as words from "../../../cifar/ui/components/shared/words.js";

test("values have the digits that the end of their scale needs", () => {
  for (const [top, value, more, text] of /** @type {[number, number, number, string][]} */ ([
    [3.21, 0.42, 0, "0.4"],
    [3.21, 0.42, 1, "0.42"],
    [41, 8.6, 0, "9"],
    [0.032, 0.0123, 0, "0.012"],
    [0, 0, 0, "0.0"],
    [3e-7, 3e-7, 0, "3.0e-7"],
  ]))
    assert.equal(words.digitsFor(top, more)(value), text);
});

test("a p-value has as many digits as it needs", () => {
  assert.equal(words.chance(1), "p = 1.00");
  assert.equal(words.chance(0.0312), "p = 0.03");
  assert.equal(words.chance(0.0042), "p = 0.0042");
  assert.equal(words.chance(3e-9), "p < 0.0001");
});

test("counts, shares and intervals are written alike everywhere", () => {
  assert.equal(words.images(1), "1 image");
  assert.equal(words.images(10_000), "10,000 images");
  assert.equal(words.percent(0.926), "93%");
  assert.equal(words.percent(0.926, 1), "92.6%");
  assert.equal(words.probability(0.926), "93%");
  assert.equal(words.probability(0.9996, 1), ">99.9%");
  assert.equal(words.probability(0.0004, 1), "<0.1%");
  assert.equal(words.probability(0.996), ">99%");
  assert.equal(words.interval({ low: 0.977, high: 0.98512 }), "97.7 to 98.5");
});

test("file names hold plain characters only", () => {
  assert.equal(words.plain("My Model (v2)/../é"), "my-model-v2");
});
