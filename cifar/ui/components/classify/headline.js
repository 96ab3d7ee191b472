/** Say in one sentence what the network says of a picture, and in a second what people say. */

import { count, probability } from "../shared/words.js";

/** Below this, the network is "only" so sure. */
const HALF = 0.5;
/** A class that fewer people chose is not what people say. */
const AGREED = 0.6;

/** @param {string} noun */
const withArticle = (noun) => `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;

/** Write how sure the network is. @param {number} share */
function sure(share) {
  const written = probability(share, 1).replace(">", "more than ").replace("<", "less than ");
  return share < HALF ? `only ${written}` : written;
}

/** @param {number[]} votes @returns {number} */
const most = (votes) => votes.indexOf(Math.max(...votes));

/** @param {number[]} votes */
const total = (votes) => votes.reduce((sum, one) => sum + one, 0);

/** @typedef {'said'|'true'} Mark of the network's class, and of the label */
/** @typedef {{text: string, mark?: Mark}} Part of a sentence */

/** @param {string} text @returns {Part} */
const plain = (text) => ({ text });

/** @param {string} text @param {Mark|undefined} mark @returns {Part} */
const marked = (text, mark) => ({ text, mark });

/**
 * Say that the answer is the label, which is the truth only where people agree on it.
 * @param {number} label
 * @param {import('./examples.js').Example|null} example
 */
function rightly(label, example) {
  const votes = example?.votes;
  const agreed = !votes || votes[label] >= AGREED * total(votes);
  return agreed ? ", and it is." : ", as its label says.";
}

/**
 * @param {string[]} classes
 * @param {{probabilities: number[], predicted: number, label: number|null}} answer
 * @param {import('./examples.js').Example|null} example
 * @returns {Part[]}
 */
export function headline(classes, { probabilities, predicted, label }, example) {
  const said = classes[predicted];
  const right = label === predicted;
  const start = `This network is ${sure(probabilities[predicted])} sure that this `;
  const is = `is ${withArticle(said).slice(0, -said.length)}`;
  const answer = marked(said, right ? "true" : "said");
  const what = example?.what || (label !== null && !right ? classes[label] : "");
  if (!what) return [plain(start + is), answer, plain(right ? rightly(label, example) : ".")];
  const subject = marked(what, label === null ? undefined : "true");
  const doubted = example?.votes && label !== null && most(example.votes) === predicted;
  return [
    plain(start + (doubted ? "“" : "")),
    subject,
    plain(`${doubted ? "”" : ""} ${is}`),
    answer,
    plain("."),
  ];
}

/**
 * @param {string[]} classes
 * @param {{predicted: number, label: number|null}} answer
 * @param {number[]|null|undefined} votes of people
 */
export function peopleSay(classes, { predicted, label }, votes) {
  if (!votes) return "";
  const [all, top] = [total(votes), most(votes)];
  if (votes[top] < AGREED * all) {
    const [first, second, third] = votes
      .map((_, k) => k)
      .sort((a, b) => votes[b] - votes[a])
      .map((k) => `${votes[k]} say ${classes[k]}`);
    return `People disagree: of ${all}, ${first}, ${second} and ${third}.`;
  }
  const people = votes[top] === all ? `All ${all} people` : `${votes[top]} of ${all} people`;
  const too = top === predicted ? ", too" : "";
  const doubt = top === label ? "" : `: its label, ${classes[label]}, looks wrong`;
  return `${people} say ${classes[top]}${too}${doubt}.`;
}

/**
 * Say what the network is and how good it is, on the test images that it did not learn from.
 * @param {{accuracy: number, mistakes: number, learned: number}} facts
 */
export const introduction = ({ accuracy, mistakes, learned }) =>
  `It learned ten classes from ${count(learned)} pictures of 32 by 32 pixels and gets ` +
  `${Math.round(100 * accuracy)} of 100 new ones right. See where it looked, what would change ` +
  `its mind, and the ${count(mistakes)} it gets wrong.`;
