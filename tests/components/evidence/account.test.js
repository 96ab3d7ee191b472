import assert from "node:assert/strict";
import test from "node:test";

import {
  accountOf,
  largest,
  received,
  termsOf,
  without,
} from "../../../cifar/ui/components/evidence/account.js";
import { softmax } from "../../../cifar/ui/components/shared/softmax.js";

/** Two channels on a map of 2x2, two classes. */
const RUN = {
  logits: Float32Array.of(4.5, -2),
  maps: Float32Array.of(0, 3, 1, 0, 2, 0, 0, 0),
  weights: Float32Array.of(1, 0.5, -1, 0.25),
  averaged: false,
  height: 2,
  width: 2,
};

const close = (/** @type {ArrayLike<number>} */ found, /** @type {number[]} */ wanted) => {
  assert.equal(found.length, wanted.length);
  wanted.forEach((value, k) => assert.ok(Math.abs(found[k] - value) < 1e-6, `${found[k]}`));
};

test("a channel adds its largest value times the weight; the rest is constant", () => {
  const account = accountOf(RUN, 2);
  close(account.terms, [3, -3, 1, 0.5]);
  close(account.constant, [0.5, 0.5]);
  assert.deepEqual([...account.cells], [1, 0]);
  assert.equal(account.size, 2);
});

test("a channel whose mean counts adds that", () => {
  const account = accountOf({ ...RUN, averaged: true }, 1);
  close(account.terms, [1, -1, 0.25, 0.125]);
  close(account.constant, [3.25, -1.125]);
  assert.deepEqual([...account.cells], [1, 0]);
});

test("terms are of a class, or of one rather than another", () => {
  const account = accountOf(RUN, 1);
  close(termsOf(account, 0, null), [3, 1]);
  close(termsOf(account, 0, 1), [6, 0.5]);
});

test("the largest for and against are found, the largest first", () => {
  assert.deepEqual(largest([0, 5, -1, 2, -3, 1], 2), [1, 3, 2, 4]);
  assert.deepEqual(largest([1, 2], 2), [1, 0]);
});

test("without channels, their terms are missing from the logits", () => {
  const account = accountOf(RUN, 2);
  close(without(account, []), softmax([4.5, -2], 2));
  close(without(account, [0]), softmax([1.5, 1], 2));
  close(without(account, [0, 1]), softmax([0.5, 0.5], 2));
});

test("what the server sends is read", () => {
  const encoded = (/** @type {ArrayBufferLike} */ bytes) => Buffer.from(bytes).toString("base64");
  const account = accountOf(RUN, 2);
  const sent = {
    ...account,
    terms: encoded(account.terms.buffer),
    cells: encoded(account.cells.buffer),
  };
  assert.deepEqual(received(sent), account);
  assert.equal(received({ ...sent, terms: null }), null);
});
