/** The class probabilities of one image: by this model, by the other one, and by people. */

import { createBar, markOf, ranked } from "../shared/bars.js";
import { el, fill } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { PROBABILITY } from "./captions.js";
import { votesOf } from "./record.js";

/** Classes of less than this for everybody are left out. */
const LEAST = 0.01;
const FEWEST = 3;

/**
 * @typedef {object} Side
 * @property {string} title
 * @property {number[]} shares one a class, 0 to 1
 */

/**
 * Return the shares of the shown model, of the one compared with, and of people.
 * @param {import('./select.js').Data} data
 * @param {number} index
 * @returns {Side[]}
 */
export function sidesOf({ images, model, other }, index) {
  /** @type {import('./pack.js').ImagesHeader} */
  const { classes } = images.header;
  /** @param {Uint8Array} values */
  const row = (values) =>
    Array.from(values.subarray(index * classes.length, (index + 1) * classes.length));
  // Of some models only the answers are known.
  const sides = [model, other]
    .filter((one) => one?.columns.probabilities)
    .map(({ header, columns }) => ({
      title: header.title,
      shares: row(columns.probabilities).map((value) => value * PROBABILITY),
    }));
  const votes = votesOf(images, index);
  const total = votes.reduce((sum, n) => sum + n, 0);
  sides.push({ title: t("people ({n})", { n: total }), shares: votes.map((n) => n / total) });
  return sides;
}

/** Return the classes worth a row, the most probable for the shown model first. @param {Side[]} sides */
export function rowsOf(sides, predicted, label) {
  const order = ranked(sides[0].shares);
  const relevant = (k) =>
    k === predicted || k === label || sides.some(({ shares }) => shares[k] >= LEAST);
  const rows = order.filter(relevant);
  for (const k of order) if (rows.length < FEWEST && !rows.includes(k)) rows.push(k);
  return rows;
}

export function createBars() {
  const node = el("table.shares");
  const headOf = ({ title }) => el("th", { scope: "col", title }, el("span", {}, title));
  return {
    node,
    /** @param {string[]} classes @param {Side[]} sides @param {number} predicted @param {number} label */
    show(classes, sides, predicted, label) {
      const rows = rowsOf(sides, predicted, label).map((k) =>
        el(
          "tr",
          { class: markOf(k, label, predicted) },
          el("th", { scope: "row" }, classes[k]),
          sides.map(({ shares }) => cell(shares[k])),
        ),
      );
      fill(
        node,
        el("caption.unseen", {}, t("How likely each class is, in percent")),
        el("thead", {}, el("tr", {}, el("td"), sides.map(headOf))),
        el("tbody", {}, rows),
      );
    },
  };
}

function cell(share) {
  const bar = createBar();
  bar.set(share);
  return el("td", {}, el("span.bar", {}, bar.track, bar.value));
}
