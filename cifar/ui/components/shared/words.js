/** Numbers in words, the same everywhere. */

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

/**
 * How to write values of a scale, so that all have the digits that its end needs: for 3.21,
 * '3.2', '0.4' and '0.0'.
 * @param {number} top end of the scale
 * @param {number} [more] digits
 * @returns {(value: number) => string}
 */
export function digitsFor(top, more = 0) {
  const order = top > 0 ? Math.floor(Math.log10(top)) : 0;
  if (order < -4) return (value) => value.toExponential(1);
  const digits = Math.max(0, 1 - order + more);
  return (value) => value.toFixed(digits);
}
