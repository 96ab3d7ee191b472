/** Draw what each side says about one image: this model, the other one, people. */

import { el, fill, setStyle } from "../shared/dom.js";
import { percent } from "../shared/words.js";
import { PROBABILITY } from "./captions.js";

/** Classes of less than this for everybody are left out. */
const LEAST = 0.01;
const FEWEST = 3;

/**
 * @typedef {object} Side
 * @property {string} title
 * @property {number[]} shares one a class, 0 to 1
 */

/** @param {import('./select.js').Data} data @param {number} index @returns {Side[]} */
export function sidesOf({ images, model, other }, index) {
  /** @type {import('./pack.js').ImagesHeader} */
  const { classes } = images.header;
  /** @param {Uint8Array} values */
  const row = (values) =>
    Array.from(values.subarray(index * classes.length, (index + 1) * classes.length));
  const sides = [model, other].filter(Boolean).map(({ header, columns }) => ({
    title: header.title,
    shares: row(columns.probabilities).map((value) => value * PROBABILITY),
  }));
  const votes = row(images.columns.votes);
  const total = votes.reduce((sum, n) => sum + n, 0);
  sides.push({ title: `people (${total})`, shares: votes.map((n) => n / total) });
  return sides;
}

/**
 * Choose the classes worth a row, those that the shown model finds likeliest first.
 * @param {Side[]} sides
 * @param {number} predicted
 * @param {number} label
 */
export function rowsOf(sides, predicted, label) {
  const order = sides[0].shares
    .map((_, k) => k)
    .sort((a, b) => sides[0].shares[b] - sides[0].shares[a]);
  /** @param {number} k class */
  const said = (k) =>
    k === predicted || k === label || sides.some(({ shares }) => shares[k] >= LEAST);
  const rows = order.filter(said);
  for (const k of order) if (rows.length < FEWEST && !rows.includes(k)) rows.push(k);
  return rows;
}

export function createBars() {
  const node = el("table.shares");
  return {
    node,
    /** @param {string[]} classes @param {Side[]} sides @param {number} predicted @param {number} label */
    show(classes, sides, predicted, label) {
      /** @param {number} k class */
      const kind = (k) => (k === label ? "true" : k === predicted ? "said" : "");
      fill(
        node,
        el("caption.unseen", {}, "How likely each class is, in percent"),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("td"),
            sides.map(({ title }) => el("th", { scope: "col", title }, el("span", {}, title))),
          ),
        ),
        el(
          "tbody",
          {},
          rowsOf(sides, predicted, label).map((k) =>
            el(
              "tr",
              { class: kind(k) },
              el("th", { scope: "row" }, classes[k]),
              sides.map(({ shares }) => {
                const fillBar = el("span");
                setStyle(fillBar, { width: percent(shares[k], 1) });
                fillBar.hidden = !shares[k];
                return el(
                  "td",
                  {},
                  el(
                    "span.bar",
                    {},
                    el("span.track", {}, fillBar),
                    el("span.value", {}, Math.round(100 * shares[k])),
                  ),
                );
              }),
            ),
          ),
        ),
      );
    },
  };
}
