/** A probe small: how probable the prediction stays over its settings, and where it flips. */

import { el } from "../shared/dom.js";
import { curves } from "./curves.js";
import { flippedFrom, probabilitiesOf } from "./probe-values.js";

/**
 * @param {import('./probes.js').Probe} probe
 * @param {object} card
 * @param {string} card.group name of the radio buttons of all cards
 * @param {number} card.predicted class of the unchanged picture
 * @param {string} card.kind how its curve is drawn
 * @param {{words: string, becomes: string}|null} card.flip
 * @param {() => void} card.choose
 */
export function createProbeCard(probe, { group, predicted, kind, flip, choose }) {
  const radio = el("input", { type: "radio", name: group, value: probe.name, onchange: choose });
  const values = probabilitiesOf(probe, predicted);
  return el(
    "label.probe-card",
    {},
    radio,
    el("span.probe-title", {}, probe.title),
    curves({ lines: [{ values, kind }], marked: flippedFrom(probe, predicted) }),
    el("span.quiet", {}, flip ? [`${flip.words}: `, el("b", {}, flip.becomes)] : "never flips it"),
  );
}
