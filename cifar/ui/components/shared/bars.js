/** Bars of class probabilities: the order of the classes, how each is marked, and the bar itself. */

import { el, portion, setStyle, setText } from "./dom.js";

/** Return how a class is marked: as the label, as a wrong prediction, or not at all. */
export function markOf(k, label, predicted) {
  if (k === label) return "true";
  return k === predicted ? "said" : "";
}

/** Return the classes, the most probable first. @param {number[]} shares one a class */
export const ranked = (shares) => shares.map((_, k) => k).sort((a, b) => shares[b] - shares[a]);

/** Return the most probable class. @param {number[]} shares one a class */
export const topOf = (shares) => shares.indexOf(Math.max(...shares));

/** A share that would fill less than a pixel is drawn as none. */
const LEAST = 0.005;

/** Write a share of one as a whole number of percent, without the sign. */
const whole = (share) => String(Math.round(100 * share));

/**
 * Make a bar: a track that is filled up to a share of one, and the share as a number beside it.
 * @param {{track?: string, filled?: string, value?: string}} [tags] of the elements, as `el` takes them
 * @param {(share: number) => string} [write]
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
    /** Show a share of one. */
    set(share) {
      setStyle(filledPart, { width: portion(share) });
      filledPart.hidden = share < LEAST;
      setText(number, write(share));
    },
  };
}
