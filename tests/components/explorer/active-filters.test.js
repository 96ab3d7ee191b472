import assert from "node:assert/strict";
import test from "node:test";

import { activeFilters } from "../../../cifar/ui/components/explorer/active-filters.js";
import { ANY, START } from "../../../cifar/ui/components/explorer/view.js";

const slices = [{ key: "class", title: "class", groups: ["animals", "vehicles"] }];
const images = { header: { classes: ["cat", "dog"], agreement: [{ key: "all agree" }], slices } };
const model = { header: { verdicts: [{ title: "its own" }] } };
const other = { header: { title: "BaseNet" } };

/** @param {object} patch @param {object|null} [area] */
const filtersOf = (patch, area = null) =>
  activeFilters(/** @type {any} */ ({ images, model, other, view: { ...START, ...patch }, area }));

test("no filter is on at first", () => {
  assert.deepEqual(filtersOf({}), []);
});

test("a pair of classes is one filter, and brings its outcome", () => {
  const none = { true: ANY, predicted: ANY };
  assert.deepEqual(filtersOf({ true: 0, predicted: 1 }), [["cat seen as dog", none]]);
  assert.deepEqual(filtersOf({ true: 0, predicted: 0, outcome: "right" }), [
    ["cat, recognised", { ...none, outcome: "wrong" }],
  ]);
});

test("every other filter has its own words", () => {
  const view = {
    outcome: "all",
    verdict: 0,
    agreement: 0,
    low: 80,
    slice: { key: "class", group: 1 },
  };
  assert.deepEqual(
    filtersOf(view, { what: "box", count: 1000 }).map(([words]) => words),
    [
      "right and wrong",
      "its own",
      "people: all agree",
      "confidence 80 to 100%",
      "class: vehicles",
      "within the box: 1,000",
    ],
  );
  assert.deepEqual(filtersOf({ cell: 1 })[0][0], "fixed by BaseNet");
  assert.deepEqual(filtersOf({ cell: 0, outcome: "right" })[0][0], "both right with BaseNet");
});
