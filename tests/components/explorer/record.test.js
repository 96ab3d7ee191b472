import assert from "node:assert/strict";
import test from "node:test";

import { voteSentences } from "../../../cifar/ui/components/explorer/record.js";

/**
 * Return what is said of a cat that is seen as a dog.
 * @param {number[]} votes
 * @param {number[]} [review] reviewers who kept the label, and who rejected it
 */
function said(votes, review) {
  const [kept, rejected] = review ?? [0, 0];
  const columns = {
    votes: Uint8Array.from(votes),
    review_for: [kept],
    review_against: [rejected],
    review_guess: [review ? 1 : 255],
  };
  const header = { classes: ["cat", "dog", "frog"], reviewers: 5 };
  const images = /** @type {any} */ ({ header, columns });
  return voteSentences(images, { index: 0, label: 0, predicted: 1 });
}

test("votes are told in one sentence", () => {
  for (const [votes, sentence] of /** @type {Array<[number[], string]>} */ ([
    [[50, 0, 0], "All of 50 people chose cat."],
    [[0, 50, 0], "50 of 50 people chose dog, 0 chose cat."],
    [[20, 30, 0], "30 of 50 people chose dog, 20 chose cat."],
    [[0, 30, 20], "30 of 50 people chose dog, 0 chose cat."],
    [[20, 0, 30], "0 of 50 people chose dog, 20 chose cat."],
    [[0, 0, 50], "0 of 50 people chose dog, 0 chose cat."],
  ]))
    assert.deepEqual(said(votes), [sentence]);
  assert.deepEqual(said([0, 0, 0]), []);
});

test("reviews are told in one sentence", () => {
  for (const [review, end] of /** @type {Array<[number[], string]>} */ ([
    [[3, 2], "3 of 5 reviewers kept the label, 2 rejected it."],
    [[3, 1], "3 of 5 reviewers kept the label, 1 rejected it, 1 said both."],
    [[5, 0], "5 of 5 reviewers kept the label, 0 rejected it."],
    [[3, 0], "3 of 5 reviewers kept the label, 0 rejected it, 2 said both."],
    [[0, 5], "0 of 5 reviewers kept the label, 5 rejected it."],
    [[0, 3], "0 of 5 reviewers kept the label, 3 rejected it, 2 said both."],
    [[0, 0], "0 of 5 reviewers kept the label, 0 rejected it, 5 said both."],
  ]))
    assert.deepEqual(said([0, 0, 0], review), [`Asked whether it is cat or dog, ${end}`]);
});
