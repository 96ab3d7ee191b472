/** Say in one sentence what the network says of a picture, and in a second what people say. */

import { parts, t } from "../shared/language.js";
import { probability } from "../shared/words.js";

/** Below this, the network is "only" so sure. */
const HALF = 0.5;
/** A class that fewer people chose is not what people say. */
const AGREED = 0.6;

/** Write how sure the network is. @param {number} share */
function sure(share) {
  const written = probability(share, 1);
  if (written.startsWith(">")) return t("more than {share}", { share: written.slice(1) });
  return share < HALF ? t("only {share}", { share: written }) : written;
}

/** @param {string} noun in English @returns {string} with its article */
const one = (noun) => t(`${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`);

/** @param {number[]} votes @returns {number} */
const most = (votes) => votes.indexOf(Math.max(...votes));

/** @param {number[]} votes */
const total = (votes) => votes.reduce((sum, one) => sum + one, 0);

/** @typedef {'said'|'true'} Mark of the network's class, and of the label */
/** @typedef {{text: string, mark?: Mark}} Part of a sentence */

/**
 * Return the sentence that fits the answer, with {sure}, {one}, {what} and {label} to fill in.
 * @param {{predicted: number, label: number|null}} answer
 * @param {import('./examples.js').Example|null} example
 */
function sentence({ predicted, label }, example) {
  const votes = example?.votes;
  if (label === predicted && !example?.what) {
    const agreed = !votes || votes[label] >= AGREED * total(votes);
    return agreed
      ? t("This network is {sure} sure that this is {one}, and it is.")
      : t("This network is {sure} sure that this is {one}, as its label says.");
  }
  if (!example?.what && label === null) return t("This network is {sure} sure that this is {one}.");
  if (!example?.what && votes && most(votes) === predicted)
    return t("This network is {sure} sure that this picture, labelled {label}, is {one}.");
  return t("This network is {sure} sure that {what} is {one}.");
}

/**
 * @param {string[]} names of the classes, in English
 * @param {{probabilities: number[], predicted: number, label: number|null}} answer
 * @param {import('./examples.js').Example|null} example
 * @returns {Part[]}
 */
export function headline(names, answer, example) {
  const { probabilities, predicted, label } = answer;
  /** @type {Mark|undefined} */
  const labelled = label === null ? undefined : "true";
  const what = example?.what || names[label];
  /** @type {Object<string, Part>} */
  const values = {
    sure: { text: sure(probabilities[predicted]) },
    one: { text: one(names[predicted]), mark: label === predicted ? "true" : "said" },
    what: { text: t(`this ${what}`), mark: labelled },
    label: { text: t(names[label] ?? ""), mark: labelled },
  };
  return parts(sentence(answer, example), values).map((part) =>
    typeof part === "string" ? { text: part } : part,
  );
}

/**
 * @param {string[]} names of the classes, in English
 * @param {{predicted: number, label: number|null}} answer
 * @param {number[]|null|undefined} votes of people
 */
export function peopleSay(names, { predicted, label }, votes) {
  if (!votes) return "";
  const classes = names.map((name) => t(name));
  const [all, top] = [total(votes), most(votes)];
  if (votes[top] < AGREED * all) {
    const [x, y, z] = votes.map((_, k) => k).sort((a, b) => votes[b] - votes[a]);
    return t("People disagree: of {all}, {a} say {x}, {b} say {y} and {c} say {z}.", {
      ...{ all, a: votes[x], b: votes[y], c: votes[z] },
      ...{ x: classes[x], y: classes[y], z: classes[z] },
    });
  }
  const values = { n: votes[top], all, top: classes[top] };
  const too = top === predicted;
  const said =
    votes[top] === all
      ? t(too ? "All {all} people say {top}, too." : "All {all} people say {top}.", values)
      : t(too ? "{n} of {all} people say {top}, too." : "{n} of {all} people say {top}.", values);
  if (top === label) return said;
  return `${said} ${t("Its label, {label}, looks wrong.", { label: classes[label] })}`;
}

/**
 * Say what the network is and how good it is, on the test images that it did not learn from.
 * @param {{accuracy: number, mistakes: number, learned: number|null}} facts learned: how many training
 *   images it learned from, if that is known
 */
export const introduction = ({ accuracy, mistakes, learned }) => {
  const right = Math.round(100 * accuracy);
  if (!learned)
    return t(
      "It was brought here by its owner and gets {right} of 100 test images right. See where it " +
        "looked, what would change its mind, and the {mistakes} it gets wrong.",
      { mistakes, right },
    );
  return t(
    "It learned ten classes from {learned} pictures of 32 by 32 pixels and gets {right} of 100 new " +
      "ones right. See where it looked, what would change its mind, and the {mistakes} it gets wrong.",
    { learned, mistakes, right },
  );
};
