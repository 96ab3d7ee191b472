/** The numbers and places of heat maps in words. */

import { digitsFor } from "../shared/words.js";

/**
 * What the values of a map mean, and how one is written. A loss of probability is written in points
 * of percent, which read better than shares of one.
 */
const UNITS = {
  logits: { words: "evidence, in logits", times: 1, after: "" },
  probability: { words: "probability lost when covered", times: 100, after: " points" },
  relative: { words: "evidence, without a unit", times: 1, after: "" },
  share: { words: "evidence, as a share of the highest", times: 1, after: "" },
};

const unitOf = (unit) => UNITS[unit] ?? UNITS.logits;

/** Return what the values of a map mean. @param {string} unit */
export const meaningOf = (unit) => unitOf(unit).words;

/**
 * Return a function that writes the values of a scale.
 * @param {string} unit
 * @param {number} top end of the scale
 * @param {number} [more] digits
 */
export function writer(unit, top, more) {
  const { times, after } = unitOf(unit);
  const write = digitsFor(top * times, more);
  return (value) => write(value * times) + after;
}

/** Write a value with its sign: '+1.2', or '−1.2' with a true minus. */
export const signed = (value, write) => `${value < 0 ? "−" : "+"}${write(Math.abs(value))}`;

/**
 * Return a place in words: 'upper left', 'middle', 'lower right'.
 * @param {number} x share of the width
 * @param {number} y share of the height
 */
export function placeInWords(x, y) {
  const third = (share) => Math.min(2, Math.floor(share * 3));
  const row = ["upper", "", "lower"][third(y)];
  const column = ["left", "", "right"][third(x)];
  if (!row && !column) return "middle";
  return `${row || "middle"} ${column || "middle"}`;
}

/** Return the place of a map's highest value in words. @param {import('../shared/heat.js').HeatMap} map */
export function highestPlace({ values, height, width }) {
  const all = Array.from(values);
  const at = all.indexOf(Math.max(...all));
  return placeInWords(((at % width) + 0.5) / width, (Math.floor(at / width) + 0.5) / height);
}
