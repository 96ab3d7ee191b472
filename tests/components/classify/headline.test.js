import assert from "node:assert/strict";
import { test } from "node:test";
import {
  headline,
  introduction,
  peopleSay,
} from "../../../cifar/ui/components/classify/headline.js";

const classes = ["airplane", "cat", "dog"];
const example = (values = {}) => ({
  ...{ story: "", what: "", note: "", index: 1, label: 1, pixels: "", kind: "image", votes: null },
  ...values,
});
const text = (answer, about = null) =>
  headline(classes, answer, about)
    .map((part) => part.text)
    .join("");

test("a headline says how sure, of what, and whether that is right", () => {
  const answer = { probabilities: [0.0005, 0.0005, 0.9996], predicted: 2, label: null };
  assert.equal(text(answer), "This network is more than 99.9% sure that this is a dog.");
  assert.equal(
    text({ ...answer, label: 1 }),
    "This network is more than 99.9% sure that this cat is a dog.",
  );
  assert.equal(
    text({ ...answer, label: 2 }),
    "This network is more than 99.9% sure that this is a dog, and it is.",
  );
  assert.equal(
    text({ probabilities: [0.4, 0.3, 0.3], predicted: 0, label: null }, example({ what: "rose" })),
    "This network is only 40.0% sure that this rose is an airplane.",
  );
});

test("a label that people doubt is no truth", () => {
  const answer = { probabilities: [0, 0.1, 0.9], predicted: 2, label: 1 };
  assert.equal(
    text(answer, example({ votes: [0, 1, 50] })),
    "This network is 90.0% sure that this picture, labelled cat, is a dog.",
  );
  assert.equal(
    text({ ...answer, label: 2 }, example({ votes: [20, 11, 20] })),
    "This network is 90.0% sure that this is a dog, as its label says.",
  );
});

test("the marks of a headline are those of label and prediction", () => {
  const answer = { probabilities: [0, 0.1, 0.9], predicted: 2, label: 1 };
  const marks = headline(classes, answer, null).filter(({ mark }) => mark);
  assert.deepEqual(marks, [
    { text: "this cat", mark: "true" },
    { text: "a dog", mark: "said" },
  ]);
});

test("people agree with the label, with the network, with neither, or with each other", () => {
  const answer = { predicted: 2, label: 1 };
  assert.equal(peopleSay(classes, answer, null), "");
  assert.equal(peopleSay(classes, answer, [0, 42, 11]), "42 of 53 people say cat.");
  assert.equal(
    peopleSay(classes, answer, [0, 0, 51]),
    "All 51 people say dog, too. Its label, cat, looks wrong.",
  );
  assert.equal(
    peopleSay(classes, answer, [40, 5, 6]),
    "40 of 51 people say airplane. Its label, cat, looks wrong.",
  );
  assert.equal(
    peopleSay(classes, answer, [10, 21, 20]),
    "People disagree: of 51, 21 say cat, 20 say dog and 10 say airplane.",
  );
});

test("an introduction has the numbers of the network", () => {
  const facts = { accuracy: 0.9113, mistakes: 887, learned: 48000 };
  const words = introduction(facts);
  for (const part of ["48,000 pictures", "gets 91 of 100", "the 887 it gets wrong"])
    assert.ok(words.includes(part), part);
  const brought = introduction({ ...facts, learned: null });
  assert.ok(brought.includes("gets 91 of 100") && !brought.includes("learned"), brought);
});
