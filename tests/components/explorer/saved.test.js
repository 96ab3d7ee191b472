import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { createSaved, holdsSelections } from "../../../cifar/ui/components/explorer/saved.js";

const KEY = "cifar-lens:selections";

/** Give the page a storage, or one that refuses. @param {boolean} [closed] */
function storage(closed = false) {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const refuse = () => {
    throw new Error("closed");
  };
  /** @type {any} */ (globalThis).localStorage = closed
    ? { getItem: refuse, setItem: refuse }
    : { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text) };
  return kept;
}

afterEach(() => delete (/** @type {any} */ (globalThis).localStorage));

test("selections are kept, and those of another tab stay", () => {
  const kept = storage();
  const [here, there] = [createSaved(), createSaved()];
  assert.ok(here.save("cats", "true:cat"));
  assert.ok(there.save("dogs", "true:dog"));
  here.forget("cats");
  assert.deepEqual(JSON.parse(kept.get(KEY)), { dogs: "true:dog" });
  there.refresh();
  assert.deepEqual(there.all(), here.all());
  assert.ok(holdsSelections(KEY) && holdsSelections(null) && !holdsSelections("other"));
});

test("without a storage they last as long as the page", () => {
  storage(true);
  const saved = createSaved();
  assert.ok(!saved.save("a", "true:cat"));
  assert.ok(!saved.save("b", "true:dog"));
  assert.deepEqual(Object.keys(saved.all()), ["a", "b"]);
});

test("what another program wrote is no selection", () => {
  const kept = storage();
  for (const text of ["no JSON", "[1, 2]", "null", '{"a": 3, "b": "true:cat"}']) {
    kept.set(KEY, text);
    assert.ok(Object.values(createSaved().all()).every((one) => typeof one === "string"));
  }
});
