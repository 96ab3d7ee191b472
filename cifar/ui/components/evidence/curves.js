/** Draw small line charts. Lines are drawings that stretch; words are HTML that does not. */

import { drawing, el } from "../shared/dom.js";
import { percent } from "../shared/words.js";

/** The drawing's own units, across and up. */
const FULL = 100;

/**
 * @typedef {object} Line
 * @property {number[]} values 0 to 1, at even steps across
 * @property {string} kind a class that says how it is drawn
 */

/**
 * @param {object} chart
 * @param {Line[]} chart.lines the last on top
 * @param {{low: number[], high: number[]}} [chart.band]
 * @param {boolean[]} [chart.marked] steps that are shaded
 * @returns {SVGElement} hidden from screen readers: say what it shows beside it
 */
export function curves({ lines, band, marked }) {
  const steps = (lines[0]?.values ?? band.low).length;
  /** @param {number} k step */
  const x = (k) => (FULL * k) / Math.max(1, steps - 1);
  /** @param {number} value */
  const y = (value) => FULL * (1 - value);
  /** @param {number[]} values */
  const path = (values) => values.map((value, k) => `${x(k)},${y(value).toFixed(2)}`).join(" ");
  const half = x(1) / 2;
  return drawing(
    "svg",
    {
      class: "curves",
      viewBox: `0 0 ${FULL} ${FULL}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    (marked ?? []).map(
      (yes, k) =>
        yes &&
        drawing("rect", {
          class: "marked",
          x: Math.max(0, x(k) - half),
          y: 0,
          width: Math.min(FULL, x(k) + half) - Math.max(0, x(k) - half),
          height: FULL,
        }),
    ),
    band &&
      drawing("polygon", {
        class: "band",
        points: `${path(band.high)} ${path(band.low).split(" ").reverse().join(" ")}`,
      }),
    lines.map(({ values, kind }) =>
      drawing("polyline", { class: `curve ${kind}`, points: path(values) }),
    ),
  );
}

/**
 * Put curves between labelled axes.
 * @param {object} axes
 * @param {SVGElement} axes.drawn of `curves`
 * @param {string} axes.up what the height means; it runs from 0 to 100%
 * @param {string} axes.across what the steps mean
 * @param {string} axes.from of the first step
 * @param {string} axes.to of the last
 * @param {...Node} over things laid over the drawing
 */
export function framed({ drawn, up, across, from, to }, ...over) {
  return el(
    "div.chart",
    { "aria-hidden": "true" },
    el("div.chart-up", {}, up),
    el("div.chart-side", {}, el("span", {}, percent(1)), el("span", {}, "0")),
    el("div.chart-plot", {}, drawn, over),
    el("div.chart-across", {}, el("span", {}, from), el("span", {}, across), el("span", {}, to)),
  );
}
