import assert from "node:assert/strict";
import test, { afterEach } from "node:test";

import { createTags, tagsOf } from "../../../cifar/ui/components/explorer/tags.js";
import { createStorage } from "../helpers.js";

const KEY = "cifar-lens:tags";

/** @param {object} storage */
const useStorage = (storage) => Object.assign(globalThis, { localStorage: storage });
afterEach(() => Reflect.deleteProperty(globalThis, "localStorage"));

test("tags last from one visit to the next", () => {
  useStorage(createStorage());
  createTags().set(5, "ambiguous", true);
  const tags = createTags();
  tags.set(5, "label wrong", true);
  assert.deepEqual(tags.of(5), ["label wrong", "ambiguous"]); // in the order of the buttons
  tags.set(5, "label wrong", false);
  tags.set(5, "ambiguous", false);
  assert.deepEqual(createTags().all(), {});
});

test("tags that another tab of the browser wrote are not overwritten", () => {
  useStorage(createStorage());
  const [here, there] = [createTags(), createTags()];
  there.set(1, "interesting", true);
  here.set(2, "ambiguous", true);
  assert.deepEqual(createTags().all(), { 1: ["interesting"], 2: ["ambiguous"] });
});

test("stored texts of others are dropped", () => {
  const forged = {
    '{"5": ["evil", "ambiguous"], "__proto__": ["ambiguous"], "x": ["ambiguous"], "7": 1}': {
      5: ["ambiguous"],
    },
    "not json": {},
    null: {},
    "[]": {},
  };
  for (const [text, kept] of Object.entries(forged)) {
    useStorage(createStorage({ [KEY]: text }));
    assert.deepEqual(createTags().all(), kept, text);
  }
});

test("without a storage, tags last as long as the page", () => {
  const fail = () => {
    throw new Error("no storage in this frame");
  };
  useStorage({ getItem: fail, setItem: fail });
  const tags = createTags();
  tags.set(3, "interesting", true);
  tags.refresh();
  assert.deepEqual(tags.of(3), ["interesting"]);
});

test("exported tags are read again, and nothing else is", () => {
  const text =
    "index,label,predicted,tags,model\r\n7,cat,dog,label wrong; ambiguous,resnet\r\n" +
    "x,cat,dog,ambiguous,resnet\r\n9,cat,dog,made up,resnet\r\n\r\n";
  assert.deepEqual(tagsOf(text), [
    { index: 7, tag: "label wrong" },
    { index: 7, tag: "ambiguous" },
  ]);
  for (const other of ["", "a,b\r\n1,2\r\n", "index\r\n1\r\n"]) assert.deepEqual(tagsOf(other), []);
});
