/** What is known about one image: the packs' values in units of one, and people's votes in words. */

import { t } from "../shared/language.js";
import { CONFIDENCE, PROBABILITY } from "./captions.js";

/**
 * @typedef {object} ImageRecord
 * @property {number} index test index
 * @property {number} label class
 * @property {number} predicted class
 * @property {boolean} correct
 * @property {number} confidence 0 to 1
 * @property {number} labelProbability 0 to 1
 * @property {{at: number, title: string, rule: string}|null} verdict why the prediction is wrong,
 *   with its position in the model's verdicts; null for a correct one
 */

/**
 * @param {Pick<import('./select.js').Data, 'images'|'model'>} data
 * @param {number} index
 * @returns {ImageRecord}
 */
export function recordOf({ images, model }, index) {
  const label = images.columns.label[index];
  const { predicted, probabilities, confidence, verdict } = model.columns;
  const at = (verdict?.[index] ?? 0) - 1;
  const { title, rule } = model.header.verdicts[at] ?? {};
  return {
    index,
    label,
    predicted: predicted[index],
    correct: label === predicted[index],
    confidence: confidence[index] * CONFIDENCE,
    labelProbability: probabilities[index * images.header.classes.length + label] * PROBABILITY,
    verdict: title ? { at, title, rule } : null,
  };
}

/**
 * Return how many people chose each class.
 * @param {import('./pack.js').Pack} images
 * @param {number} index
 * @returns {number[]}
 */
export const votesOf = ({ header: { classes }, columns: { votes } }, index) =>
  Array.from(votes.subarray(index * classes.length, (index + 1) * classes.length));

/**
 * Return how many people chose the label, or the prediction instead of it, and how many reviewers
 * kept the label or rejected it.
 * @param {import('./pack.js').Pack} images
 * @param {Pick<ImageRecord, 'index'|'label'|'predicted'>} record
 * @returns {string[]} sentences
 */
export function voteSentences(images, { index, label, predicted }) {
  const { header, columns } = images;
  const { classes, reviewers } = header;
  const { review_for: kept, review_against: rejected, review_guess: guess } = columns;
  const own = votesOf(images, index);
  const all = own.reduce((sum, n) => sum + n, 0);
  const names = { label: classes[label], predicted: classes[predicted] };
  const sentences = [];
  const votes = { ...names, all, kept: own[label], said: own[predicted] };
  if (all && votes.kept === all) sentences.push(t("All of {all} people chose {label}.", votes));
  else if (all && label === predicted)
    sentences.push(t("{kept} of {all} people chose {label}.", votes));
  else if (all)
    sentences.push(t("{said} of {all} people chose {predicted}, {kept} chose {label}.", votes));
  const other = classes[guess[index]];
  if (other) {
    const counts = { all: reviewers, kept: kept[index], rejected: rejected[index] };
    const review = { ...counts, both: reviewers - counts.kept - counts.rejected, ...names, other };
    sentences.push(
      review.both
        ? t(
            "Asked whether it is {label} or {other}, {kept} of {all} reviewers kept the label, " +
              "{rejected} rejected it, {both} said both.",
            review,
          )
        : t(
            "Asked whether it is {label} or {other}, {kept} of {all} reviewers kept the label, " +
              "{rejected} rejected it.",
            review,
          ),
    );
  }
  return sentences;
}
