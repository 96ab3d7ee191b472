/** What probes show: predictions along their settings, and the classes that matter. */

import { ranked, topOf } from "../shared/bars.js";

/** Classes in a chart, and the least that one must reach anywhere to be among them. */
const MOST_CLASSES = 5;
const LEAST = 0.03;

/** @typedef {import('./probes.js').Probe} Probe */

/** Return the position of the setting that leaves the picture unchanged. @param {Probe} probe */
export const neutralOf = ({ settings, neutral }) => Math.max(0, settings.indexOf(neutral));

/** Return the class that is predicted for the unchanged picture. @param {Probe} probe */
export const predictedOf = (probe) => topOf(probe.probabilities[neutralOf(probe)]);

/** Return the probability of a class at each setting. @param {Probe} probe @param {number} k class */
export const probabilitiesOf = ({ probabilities }, k) => probabilities.map((shares) => shares[k]);

/** Return at which settings the prediction differs from a class. @param {Probe} probe */
export const flippedFrom = ({ probabilities }, k) =>
  probabilities.map((shares) => topOf(shares) !== k);

/**
 * Return the classes that matter anywhere along a probe, the most probable first, then the required
 * classes that are not among them.
 * @param {Probe} probe
 * @param {number[]} required classes
 * @returns {number[]}
 */
export function relevantClasses(probe, required) {
  const highest = probe.probabilities[0].map((_, k) => Math.max(...probabilitiesOf(probe, k)));
  const likely = ranked(highest)
    .filter((k) => highest[k] >= LEAST)
    .slice(0, MOST_CLASSES);
  const missing = required.filter((k) => !likely.includes(k));
  return [...likely.slice(0, MOST_CLASSES - missing.length), ...missing];
}
