import assert from "node:assert/strict";
import test from "node:test";

import { createStore } from "../../../cifar/ui/components/explorer/store.js";
import { ANY } from "../../../cifar/ui/components/explorer/view.js";

const header = { classes: ["cat", "dog"], agreement: [], slices: [], count: 3 };
const images = { header, count: 3, columns: { label: [0, 1, 1], agreement: [0, 0, 0] } };
/** @param {string} name @param {number[]} predicted */
const modelOf = (name, predicted) => ({
  header: { name, verdicts: [], sorts: ["test index"] },
  columns: { predicted, verdict: [0, 0, 0], confidence: [9000, 8000, 7000], rank_0: [0, 1, 2] },
});
const packs = { images, a: modelOf("a", [0, 0, 0]), b: modelOf("b", [1, 1, 1]) };
const known = { models: ["a", "b"], others: ["b"], verdicts: [], agreement: [], slices: {} };

/** Make a store of two models; `load` may be replaced. */
function makeStore(load = async (name) => packs[name]) {
  const drawn = [];
  const errors = [];
  const store = createStore({
    library: /** @type {any} */ ({
      load: (name) => load(name),
      isUploaded: () => false,
      othersOf: (name) => [{ name: name === "a" ? "b" : "a", title: "" }],
      namesOf: () => ({ ...known, classes: header.classes, sorts: ["test index"], count: 3 }),
    }),
    firstModel: "a",
    roomy: () => true,
    draw: (state) => drawn.push(state),
    report: (error) => error && errors.push(error),
  });
  return { store, drawn, errors };
}

test("a model opens with its mistakes, the first of them shown", async () => {
  const { store } = makeStore();
  await store.open("a", () => "");
  assert.deepEqual([...store.state.selection], [1, 2]);
  assert.deepEqual([store.state.shown, store.state.place], [1, 0]);
  store.step(1);
  assert.equal(store.state.shown, 2);
  assert.equal(store.query(), "?id=2");
});

test("an unchanged selection stays the same object", async () => {
  const { store } = makeStore();
  await store.open("a", () => "");
  const { selection } = store.state;
  store.change({ panel: "map" });
  assert.equal(store.state.selection, selection);
  store.change({ outcome: "right" });
  assert.deepEqual([...store.state.selection], [0]);
});

test("the newest of several requests wins", async () => {
  /** @type {(pack: object) => void} */
  let arrive;
  const slow = new Promise((resolve) => {
    arrive = resolve;
  });
  const { store } = makeStore((name) => (name === "a" ? slow : Promise.resolve(packs[name])));
  const first = store.open("a", () => "");
  await store.open("b", () => "");
  arrive(packs.a);
  await first;
  assert.equal(store.state.view.model, "b");
});

test("a model that does not load leaves the shown one", async () => {
  const { store, errors } = makeStore(async (name) => {
    if (name === "b") throw new Error("gone");
    return packs[name];
  });
  await store.open("a", () => "?compare=b:fixed");
  assert.equal(store.state.view.cell, ANY); // the filter needs the model that did not load
  await store.open("b", () => "");
  assert.deepEqual(
    errors.map(({ message }) => message),
    ["gone"],
  );
  assert.equal(store.state.view.model, "a");
});
