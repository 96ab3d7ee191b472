/** The numbers and places of heat maps in words. */

import { t } from "../shared/language.js";
import { digitsFor } from "../shared/words.js";

/**
 * What the values of a map mean, and how one is written. A loss of probability is written in points
 * of percent, which read better than shares of one.
 */
const UNITS = {
  logits: { words: t("evidence, in logits"), points: false },
  probability: { words: t("probability lost when covered"), points: true },
  relative: { words: t("evidence, without a unit"), points: false },
  share: { words: t("evidence, as a share of the highest"), points: false },
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
  if (!unitOf(unit).points) return digitsFor(top, more);
  const write = digitsFor(100 * top, more);
  return (value) => t("{value} points", { value: write(100 * value) });
}

/** Write a value with its sign: '+1.2', or '−1.2' with a true minus. */
export const signed = (value, write) => `${value < 0 ? "−" : "+"}${write(Math.abs(value))}`;

/** By rows. */
const PLACES = [
  [t("upper left"), t("upper middle"), t("upper right")],
  [t("middle left"), t("middle"), t("middle right")],
  [t("lower left"), t("lower middle"), t("lower right")],
];

/**
 * Return a place in words: 'upper left', 'middle', 'lower right'.
 * @param {number} x share of the width
 * @param {number} y share of the height
 */
export function placeInWords(x, y) {
  const third = (share) => Math.min(2, Math.floor(share * 3));
  return PLACES[third(y)][third(x)];
}

/** Return the place of a map's highest value in words. @param {import('../shared/heat.js').HeatMap} map */
export function highestPlace({ values, height, width }) {
  const all = Array.from(values);
  const at = all.indexOf(Math.max(...all));
  return placeInWords(((at % width) + 0.5) / width, (Math.floor(at / width) + 0.5) / height);
}
