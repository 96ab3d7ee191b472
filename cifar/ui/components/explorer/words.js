/** Numbers and images in words, the same everywhere. */

const grouped = new Intl.NumberFormat("en");

/** 10000 as '10,000'. */
export const count = (number) => grouped.format(number);

/** '1 image', '2 images'. */
export const images = (number) => `${count(number)} ${number === 1 ? "image" : "images"}`;

/** A share of one in percent: 0.926 as '93%' or, with one digit, '92.6%'. */
export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}%`;

/** An interval as '97.7 to 98.5'. */
export const interval = ({ low, high }) =>
  `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}`;

/** Confidence is kept in steps of 1e-4, probabilities in steps of 1/255. */
export const CONFIDENCE = 1e-4;
export const PROBABILITY = 1 / 255;

/**
 * What an image is called where it stands alone: '#1718 frog, seen as cat 97%'.
 * @param {import('./select.js').Data} data
 * @param {number} index
 */
export function caption({ images: { header, columns }, model }, index) {
  const label = columns.label[index];
  const predicted = model.columns.predicted[index];
  const sure = percent(model.columns.confidence[index] * CONFIDENCE);
  return label === predicted
    ? `#${index} ${header.classes[label]}, recognised ${sure}`
    : `#${index} ${header.classes[label]}, seen as ${header.classes[predicted]} ${sure}`;
}

/** A probability that a test gave by chance: 'p = 0.03', or 'p < 0.0001'. */
export function chance(p) {
  if (p < 1e-4) return "p < 0.0001";
  return `p = ${p.toFixed(p < 0.01 ? 4 : 2)}`;
}

/** A file name without anything but plain letters. */
export const plain = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
