import assert from "node:assert/strict";
import test from "node:test";

import { format, modelOf, parse, reconciled } from "../../../cifar/ui/components/explorer/view.js";
import { KNOWN, createRandom } from "../helpers.js";

/** @typedef {import('../../../cifar/ui/components/explorer/view.js').View} View */

/** @type {View} */
const START = {
  model: "",
  true: -1,
  predicted: -1,
  outcome: "wrong",
  verdict: -1,
  agreement: -1,
  low: 0,
  high: 100,
  fewest: 0,
  most: 30,
  slice: null,
  other: "",
  cell: -1,
  where: "",
  sort: 0,
  id: -1,
  panel: "matrix",
};
const CAT = 3;
const DOG = 5;

/** @param {Partial<View>} changes */
const written = (changes) => format({ ...START, model: "resnet", ...changes }, KNOWN, "resnet");

test("links restore every view", () => {
  const random = createRandom(0);
  const upTo = (/** @type {number} */ n) => Math.floor(random() * n);
  /** @template T @param {T[]} list */
  const one = (list) => list[upTo(list.length)];
  const sometimes = (/** @type {number} */ n) => (random() < 0.5 ? -1 : upTo(n));
  for (let k = 0; k < 300; k++) {
    const [low, high] = [upTo(101), upTo(101)].sort((a, b) => a - b);
    const [fewest, most] = [upTo(31), upTo(31)].sort((a, b) => a - b);
    const other = one(["", "basenet", "published"]);
    const cell = other ? sometimes(4) : -1;
    /** @type {View} */
    const view = {
      model: one(KNOWN.models),
      true: sometimes(10),
      predicted: sometimes(10),
      outcome: one(["wrong", "right", "all"]),
      verdict: sometimes(4),
      agreement: sometimes(4),
      ...{ low, high, fewest, most },
      slice: one([null, { key: "brightness", group: upTo(5) }]),
      // A link leaves out the first model to compare with.
      other: other === "basenet" && cell < 0 ? "" : other,
      cell,
      where: one(["", "true:cat (conf:>90 or not people:<0.5)"]),
      sort: upTo(KNOWN.sorts.length),
      id: sometimes(KNOWN.count),
      panel: one(["matrix", "map", "slices", "compare"]),
    };
    const query = format(view, KNOWN, "");
    assert.deepEqual(parse(query, KNOWN), view, query);
  }
});

test("a link names what differs from the first view", () => {
  assert.equal(written({}), "");
  assert.equal(written({ other: "basenet" }), "");
  const full = written({
    true: CAT,
    predicted: DOG,
    verdict: 3,
    low: 80,
    slice: { key: "class", group: 3 },
    sort: 2,
    id: 1718,
  });
  assert.equal(
    full,
    "?true=cat&pred=dog&verdict=own&confidence=80-100&slice=class:3&sort=test+index&id=1718",
  );
});

test("a link leaves out a model that only this page has", () => {
  assert.equal(written({ other: "upload", cell: 1 }), "");
});

test("a link leaves out the outcome where only one is possible", () => {
  assert.equal(written({ true: CAT, predicted: CAT, outcome: "right" }), "?true=cat&pred=cat");
  assert.equal(parse("?true=cat&pred=cat", KNOWN).outcome, "right");
  assert.equal(
    written({ other: "published", cell: 2, outcome: "right" }),
    "?compare=published:broken",
  );
  assert.equal(parse("?compare=published:broken", KNOWN).outcome, "right");
  assert.equal(parse("?compare=published:fixed", KNOWN).outcome, "wrong");
});

for (const query of [
  "",
  "?",
  "%%%",
  "?true=<script>alert(1)</script>&pred=%3Cimg%20src=x%3E",
  "?true=__proto__&pred=constructor&verdict=toString&agreement=hasOwnProperty&sort=__proto__",
  "?true=3&pred=-1&verdict=0&agreement=&outcome=WRONG",
  "?id=10000",
  "?id=-1",
  "?id=1e3",
  "?id=0x10",
  "?id=99999999999999999999",
  "?confidence=90-10",
  "?confidence=0-101",
  "?confidence=a-b",
  "?confidence=-5-50",
  "?slice=constructor:0",
  "?slice=class:10",
  "?slice=class:-1",
  "?slice=class",
  "?compare=evil:fixed",
  "?compare=__proto__:fixed",
  "?sort=%00&panel=<b>",
  "?model=../../etc/passwd",
  "?unknown=1&__proto__=2",
])
  test(`a link with unknown names or numbers is ignored: ${query}`, () => {
    assert.deepEqual(parse(query, KNOWN), START);
  });

test("the first of repeated parameters counts", () => {
  assert.equal(parse("?true=cat&true=dog", KNOWN).true, CAT);
});

test("a comparison keeps its model if its cell is unknown", () => {
  assert.deepEqual(parse("?compare=basenet:nonsense", KNOWN), { ...START, other: "basenet" });
});

test("a link may name a model that is known", () => {
  assert.equal(modelOf("?model=basenet&true=cat", KNOWN.models), "basenet");
  assert.equal(modelOf("?model=published", KNOWN.models), "");
});

for (const [before, patch, also] of /** @type {Partial<View>[][]} */ ([
  [{ verdict: 3 }, { outcome: "right" }, { verdict: -1 }],
  [{ verdict: 3 }, { outcome: "all" }, {}],
  [{ cell: 0, outcome: "right" }, { outcome: "wrong" }, { cell: -1 }],
  [{ cell: 1 }, { true: CAT, predicted: CAT, outcome: "right" }, { cell: -1 }],
  [{ cell: 1 }, { true: CAT, predicted: DOG, outcome: "wrong" }, {}],
]))
  test(`the newest of contradicting filters wins: ${JSON.stringify([before, patch])}`, () => {
    assert.deepEqual(reconciled({ ...START, ...before }, patch), { ...patch, ...also });
  });
