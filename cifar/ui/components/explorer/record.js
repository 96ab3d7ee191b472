/** What the packs say about one image under the shown model, in units of one. */

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
