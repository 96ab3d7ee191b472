import assert from "node:assert/strict";
import test from "node:test";

import { inside } from "../../../cifar/ui/components/explorer/points.js";
import { createRandom } from "../helpers.js";

test("points within a star are found", () => {
  const random = createRandom(0);
  const points = Float32Array.from({ length: 4000 }, random);
  const reach = Array.from({ length: 30 }, () => 0.1 + 0.4 * random());
  const turn = (2 * Math.PI) / reach.length;
  const corner = (/** @type {number} */ k) => {
    const at = k % reach.length;
    return [Math.cos(turn * at), Math.sin(turn * at)].map((part) => 0.5 + reach[at] * part);
  };
  const mask = inside(
    points,
    reach.flatMap((_, k) => corner(k)),
  );
  // In the sector between two corners, a point is inside if it lies left of the edge between them.
  for (let i = 0; i < mask.length; i++) {
    const [x, y] = [points[2 * i], points[2 * i + 1]];
    const angle = Math.atan2(y - 0.5, x - 0.5);
    const sector = Math.floor((angle < 0 ? angle + 2 * Math.PI : angle) / turn);
    const [[x1, y1], [x2, y2]] = [corner(sector), corner(sector + 1)];
    const left = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1);
    assert.equal(Boolean(mask[i]), left > 0, `${x}, ${y}`);
  }
});

test("a polygon that crosses itself is outside where it overlaps twice", () => {
  // A pentagram drawn in one stroke: its middle is outside by the even-odd rule.
  const corners = [0, 2, 4, 1, 3].flatMap((k) => {
    const angle = (2 * Math.PI * k) / 5;
    return [Math.sin(angle), -Math.cos(angle)];
  });
  assert.deepEqual([...inside(Float32Array.of(0, 0, 0, -0.8, 2, 2), corners)], [0, 1, 0]);
});

test("no polygon holds no point", () => {
  assert.deepEqual([...inside(Float32Array.of(0.5, 0.5), [])], [0]);
});
