import assert from "node:assert/strict";
import test from "node:test";

import {
  completions,
  expressionOf,
  parseExpression,
  problemOf,
} from "../../../cifar/ui/components/explorer/expression.js";
import { failures } from "../../../cifar/ui/components/explorer/select.js";
import { START, names } from "../../../cifar/ui/components/explorer/view.js";
import { createRandom, makeData } from "../helpers.js";

const [CAT, DOG, FROG] = [0, 1, 2];

// 0: cat as dog, 1: cat, 2: dog as cat, 3: frog, 4: dog as frog, 5: frog as dog
const data = makeData({
  label: [CAT, CAT, DOG, FROG, DOG, FROG],
  predicted: [DOG, CAT, CAT, FROG, FROG, DOG],
  other: [CAT, CAT, CAT, DOG, DOG, CAT],
  confidence: [90, 80, 70, 60, 50, 40],
  difficulty: [0, 3, 12, 30, 1, 2],
  verdict: [1, 0, 2, 0, 1, 2],
  agreement: [0, 0, 1, 1, 0, 1],
  slice: [0, 1, 0, 1, 0, 1],
});
const known = { ...names(data.images.header, data.model.header), models: [], others: [] };

/** @param {string} text */
function selected(text) {
  const passes = parseExpression(text, known)(data);
  return [0, 1, 2, 3, 4, 5].filter(passes);
}

for (const [text, expected] of /** @type {Array<[string, number[]]>} */ ([
  ["true:cat", [0, 1]],
  ["TRUE:cat", null],
  ["true:Cat", [0, 1]],
  ["true:cat,frog", [0, 1, 3, 5]],
  ["true:dog pred:frog", [4]],
  ["true:dog and pred:frog", [4]],
  ["true:cat or pred:dog", [0, 1, 5]],
  ["not true:cat", [2, 3, 4, 5]],
  ["not (true:cat or true:dog)", [3, 5]],
  ["true:cat or true:dog pred:cat", [0, 1, 2]],
  ["(true:cat or true:dog) pred:cat", [1, 2]],
  ["outcome:right", [1, 3]],
  ["verdict:own", [2, 5]],
  ["twin:yes", [1]],
  ["conf:>50", [0, 1, 2, 3]],
  ["conf:>=50", [0, 1, 2, 3, 4]],
  ["conf:50-70", [2, 3, 4]],
  ["people:<0.5", [2, 3, 5]],
  ["difficulty:<3", [0, 4, 5]],
  ["difficulty:0,30", [0, 3]],
  ["id:1,3-4", [1, 3, 4]],
  ["slice:brightness:1", [1, 3, 5]],
]))
  test(`${text} selects ${expected ?? "nothing: it is refused"}`, () => {
    if (expected) assert.deepEqual(selected(text), expected);
    else assert.notEqual(problemOf(text, known), "");
  });

for (const [text, said] of [
  ["ture:cat", "ture:cat is no condition: write one of true,"],
  ["cat", "cat is no condition"],
  ["true:catt", "true:catt is not known: choose cat, dog, frog."],
  ["conf:much", "conf:much is no number: write <3, >=5, 7 or 2-9."],
  ["(true:cat", "A bracket is not closed: add )."],
  ["true:cat)", "A bracket is closed that was not opened: remove )."],
  ["true:cat or", "A condition is missing"],
  ["not", "A condition is missing"],
  ["()", "A condition is missing"],
  ["and true:cat", "and is no condition"],
  ["slice:brightness:9", "slice:brightness:9 is not known: choose brightness:0."],
  ["id:9-2", "id:9-2 is no number"],
  ["compare:fixed", "compare:fixed is no condition"],
  ["__proto__:1", "__proto__:1 is no condition"],
  ["slice:__proto__:0", "slice:__proto__:0 is not known"],
  ["slice:", "slice: is not known"],
])
  test(`${text} is refused in words`, () => {
    const problem = problemOf(text, known);
    assert.ok(problem.startsWith(said), problem);
    assert.match(problem, /[.]$/);
  });

test("a long expression is refused, and one that nests as deep as it may works", () => {
  assert.match(problemOf(`${"(".repeat(800)}true:cat${")".repeat(800)}`, known), /1,500 char/);
  assert.match(problemOf("not ".repeat(400) + "true:cat", known), /1,500 char/);
  assert.deepEqual(selected(`${"(".repeat(740)}true:cat${")".repeat(740)}`), [0, 1]);
  assert.deepEqual(selected(`${"not ".repeat(370)}true:cat`), [0, 1]);
});

test("any text is an expression or is refused", () => {
  const random = createRandom(6);
  const pieces = ["true:", "cat", "(", ")", " ", "or", "not ", "and", ":", "<", "3", "-", ",", "é"];
  for (let n = 0; n < 2000; n++) {
    const text = Array.from({ length: 1 + 8 * random() }, () =>
      pieces.at(Math.floor(random() * pieces.length)),
    ).join("");
    const problem = problemOf(text, known);
    if (!problem) selected(text);
  }
});

test("filters as an expression select the same images", () => {
  for (const view of [
    {},
    { true: CAT },
    { outcome: /** @type {const} */ ("all"), predicted: DOG, low: 40, high: 90 },
    { outcome: /** @type {const} */ ("all"), agreement: 0 },
    { outcome: /** @type {const} */ ("all"), agreement: 1, fewest: 2, most: 20 },
    { verdict: 0, true: FROG },
    { outcome: /** @type {const} */ ("right"), slice: { key: "brightness", group: 1 } },
    { outcome: /** @type {const} */ ("all"), where: "true:cat or true:dog", predicted: CAT },
    { outcome: /** @type {const} */ ("all") },
  ]) {
    const whole = { ...START, ...view };
    const fails = failures(data, whole, null);
    const text = expressionOf(whole, known);
    assert.deepEqual(
      selected(text),
      [0, 1, 2, 3, 4, 5].filter((i) => !fails[i]),
      text,
    );
  }
  const all = { ...START, outcome: /** @type {const} */ ("all") };
  assert.equal(expressionOf(all, known, [5, 1, 3, 2]), "id:1-3,5");
});

test("the last word is completed", () => {
  assert.deepEqual(completions("tr", known), ["true:"]);
  assert.deepEqual(completions("true:cat pred:d", known), ["true:cat pred:dog"]);
  assert.deepEqual(completions("true:cat,f", known), ["true:cat,frog"]);
  assert.deepEqual(completions("(conf:", known), ["(conf:<", "(conf:>="]);
  assert.ok(completions("", known).includes("not"));
  assert.deepEqual(completions("sl", known), ["slice:"]);
  assert.deepEqual(completions("slice:b", known), ["slice:brightness:"]);
  for (const text of ["nothing:", "constructor:", "__proto__:"])
    assert.deepEqual(completions(text, known), []);
});
