/** Name recorded images, and give the steps that their numbers are kept in. */

import { t } from "../shared/language.js";
import { probability } from "../shared/words.js";

/** Confidence is kept in steps of 1e-4, probabilities in steps of 1/255. */
export const CONFIDENCE = 1e-4;
export const PROBABILITY = 1 / 255;

/**
 * Name an image where it stands alone: '#1718 frog, seen as cat 97%'.
 * @param {import('./select.js').Data} data
 * @param {number} index
 */
export const caption = (data, index) => `#${index} ${description(data, index)}`;

/**
 * Say what an image shows: 'frog, seen as cat 97%'.
 * @param {import('./select.js').Data} data
 * @param {number} index
 */
export function description({ images: { header, columns }, model }, index) {
  const label = columns.label[index];
  const predicted = model.columns.predicted[index];
  const values = {
    label: header.classes[label],
    predicted: header.classes[predicted],
    probability: probability(model.columns.confidence[index] * CONFIDENCE),
  };
  return label === predicted
    ? t("{label}, recognised {probability}", values)
    : t("{label}, seen as {predicted} {probability}", values);
}
