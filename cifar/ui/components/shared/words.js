/** Write numbers in words, the same everywhere. */

import { language, plural, t } from "./language.js";

const grouped = new Intl.NumberFormat(language);

/** Write 10000 as '10,000'. @param {number} number */
export const count = (number) => grouped.format(number);

/** Write '1 image' or '2 images'. @param {number} number */
export const images = (number) => plural(number, "{n} image", "{n} images");

/**
 * Return what writes numbers in a style, by the digits after the point. Each is made once: that takes
 * longer than writing a number.
 * @param {Intl.NumberFormatOptions} style
 */
function writing(style) {
  /** @type {Map<number, Intl.NumberFormat>} */
  const formats = new Map();
  return (/** @type {number} */ number, /** @type {number} */ digits) => {
    if (!formats.has(digits)) {
      const exact = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      const options = { ...style, ...exact, useGrouping: false };
      formats.set(digits, new Intl.NumberFormat(language, options));
    }
    return formats.get(digits).format(Number(number.toFixed(digits)));
  };
}

/** Write a number with so many digits after the point: 0.5 as '0.50'. */
export const decimal = writing({});

/** Write percent with their sign. */
const hundredths = writing({ style: "unit", unit: "percent" });

/**
 * Write a share of one in percent: 0.926 as '93%' or, with one digit, '92.6%'.
 * @param {number} share
 * @param {number} [digits]
 */
export const percent = (share, digits = 0) => hundredths(100 * share, digits);

/**
 * Write a probability in percent: '93%', or with one digit '92.6%'. Nothing is certain: '>99.9%'.
 * @param {number} share
 * @param {number} [digits]
 */
export function probability(share, digits = 0) {
  const step = 10 ** -digits;
  const written = percent(share, digits);
  if (written === percent(1, digits)) return `>${hundredths(100 - step, digits)}`;
  return written === percent(0, digits) ? `<${hundredths(step, digits)}` : written;
}

/** Write shares in percent as '97.7 to 98.5'. @param {{low: number, high: number}} interval */
export const interval = ({ low, high }) =>
  t("{low} to {high}", { low: decimal(100 * low, 1), high: decimal(100 * high, 1) });

/** Write the p-value of a test: 'p = 0.03', or 'p < 0.0001'. @param {number} p */
export function chance(p) {
  if (p < 1e-4) return `p < ${decimal(1e-4, 4)}`;
  return `p = ${decimal(p, p < 0.01 ? 4 : 2)}`;
}

/** Write a text in plain letters, digits and hyphens, for a file name. @param {string} text */
export const plain = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/**
 * Return how to write values of a scale, so that all have the digits that its end needs: for 3.21,
 * '3.2', '0.4' and '0.0'.
 * @param {number} top end of the scale
 * @param {number} [more] digits
 * @returns {(value: number) => string}
 */
export function digitsFor(top, more = 0) {
  const order = top > 0 ? Math.floor(Math.log10(top)) : 0;
  if (order < -4) return (value) => value.toExponential(1);
  const digits = Math.max(0, 1 - order + more);
  return (value) => decimal(value, digits);
}
