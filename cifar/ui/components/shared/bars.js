/** Bars of class probabilities: the order of the classes, how each is marked, and the bar itself. */

import { el, setStyle, setText } from "./dom.js";
import { percent } from "./words.js";

/**
 * Return how a class is marked: as the label, as a wrong prediction, or not at all.
 * @param {number} k class
 * @param {number|null} label
 * @param {number} predicted
 * @returns {'true'|'said'|''}
 */
export function markOf(k, label, predicted) {
  if (k === label) return "true";
  return k === predicted ? "said" : "";
}

/** Return the classes, the most probable first. @param {number[]} shares one a class */
export const ranked = (shares) => shares.map((_, k) => k).sort((a, b) => shares[b] - shares[a]);

/** Return the most probable class. @param {number[]} shares one a class */
export const topOf = (shares) => shares.indexOf(Math.max(...shares));

/** Write a share of one as a whole number of percent, without the sign. @param {number} share */
const whole = (share) => String(Math.round(100 * share));

/**
 * Make a bar: a track that is filled up to a share of one, and the share as a number beside it.
 * @param {object} [tags] of the three elements, as `el` takes them
 * @param {string} [tags.track]
 * @param {string} [tags.filled] the filled part of the track
 * @param {string} [tags.value] the number
 * @param {(share: number) => string} [write] the number
 */
export function createBar(
  { track = "span.track", filled = "span", value = "span.value" } = {},
  write = whole,
) {
  const filledPart = el(filled);
  const number = el(value);
  return {
    track: el(track, {}, filledPart),
    value: number,
    /** Show a share. @param {number} share 0 to 1 */
    set(share) {
      setStyle(filledPart, { width: percent(share, 1) });
      filledPart.hidden = !share;
      setText(number, write(share));
    },
  };
}
