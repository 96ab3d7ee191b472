/** The confusion matrix as a filter, its color scale, and the pair of classes the other way round. */

import { choice, el, fill, setText } from "../shared/dom.js";
import { parts, plural, t } from "../shared/language.js";
import { count, decimal } from "../shared/words.js";
import { LEVELS, createMatrixTable, setLevel } from "./matrix-table.js";
import { createOneVersusRest } from "./one-versus-rest.js";
import { confusion } from "./select.js";
import { ANY } from "./view.js";

/** @import { State } from "./explorer.js" */
/** @import { View } from "./view.js" */
/** @typedef {'count'|'row'|'column'} Scale */
/** @typedef {ReturnType<typeof matrixValues>} MatrixValues */

const SCALES = [
  { value: "count", text: t("count") },
  { value: "row", text: t("row %") },
  { value: "column", text: t("column %") },
];

/** @param {string[]} classes @param {(patch: Partial<View>) => void} change */
export function createMatrix(classes, change) {
  const size = classes.length;
  const pick = (row, column) => change(picked(data.view, row, column));
  const table = createMatrixTable(classes, pick);
  const scales = choice(t("Colour and numbers"), SCALES, (value) => {
    scale = /** @type {Scale} */ (value);
    draw();
  });
  const legend = createLegend();
  const versus = createOneVersusRest(classes);
  const mirror = el("p.mirror", { "aria-live": "polite" });
  const node = el(
    "div.matrix",
    {},
    el(
      "p.lead",
      {},
      parts("{matrix} of all test images. Pick a cell, row or column.", {
        matrix: el("b", {}, t("Confusion matrix")),
      }),
    ),
    table.node,
    el("div.under", {}, scales.node, legend.node),
    mirror,
    versus.node,
  );
  let scale = /** @type {Scale} */ ("count");
  let counts = /** @type {Uint32Array} */ (null);
  let data = /** @type {State} */ (null);
  /** The words of the comparison that is offered, or ''. */
  let offered = "";

  function draw() {
    const values = matrixValues(counts, size, scale);
    scales.set(scale);
    table.draw(counts, values);
    legend.draw(values, scale);
    mark();
  }

  function mark() {
    const { true: label, predicted } = data.view;
    const pair = label !== ANY && predicted !== ANY && label !== predicted;
    const one = label === ANY || predicted === ANY || label === predicted;
    versus.show(counts, one ? Math.max(label, predicted) : ANY);
    const mirrored = pair ? predicted * size + label : -1;
    table.mark(data.view, mirrored);
    const words = pair
      ? t("{label} seen as {predicted} ({n})", {
          label: classes[predicted],
          predicted: classes[label],
          n: counts[mirrored],
        })
      : "";
    if (words === offered) return; // otherwise screen readers would repeat it
    offered = words;
    const swap = el("button.link", { onclick: () => pick(predicted, label) }, words);
    fill(mirror, words && parts("compare with {pair}", { pair: swap }));
  }

  return {
    node,
    /** @param {State} state */
    update(state) {
      const sameModel = data?.model === state.model;
      data = state;
      if (sameModel) return mark();
      counts = confusion(state.images.columns.label, state.model.columns.predicted, size);
      draw();
    },
  };
}

/**
 * Return the values of the cells on a scale, the highest off the diagonal, the sums of rows and
 * columns, and how to write a value.
 * @param {Uint32Array} counts true by predicted, row by row
 * @param {number} size classes
 * @param {Scale} scale
 */
export function matrixValues(counts, size, scale) {
  const rows = new Uint32Array(size);
  const columns = new Uint32Array(size);
  counts.forEach((n, k) => {
    rows[Math.floor(k / size)] += n;
    columns[k % size] += n;
  });
  const total = {
    count: () => 1,
    row: (k) => rows[Math.floor(k / size)] || 1,
    column: (k) => columns[k % size] || 1,
  }[scale];
  const values = Array.from(counts, (n, k) => n / total(k));
  const most = Math.max(0, ...values.filter((_, k) => k % (size + 1)));
  const whole = (value) => count(Math.round(value));
  const share = (value) => decimal(100 * value, value < 0.0995 ? 1 : 0);
  return { values, most, rows, columns, write: scale === "count" ? whole : share };
}

/**
 * Return the filters that a cell sets; ANY stands for a whole column or row. A second pick removes it.
 * @returns {Partial<View>}
 */
function picked(view, label, predicted) {
  if (view.true === label && view.predicted === predicted)
    return { true: ANY, predicted: ANY, outcome: "wrong" };
  const classes = { true: label, predicted };
  if (label === predicted) return { ...classes, outcome: "right" };
  // A row or column shows its mistakes, unless right answers are shown, too.
  const both = label !== ANY && predicted !== ANY;
  return { ...classes, outcome: !both && view.outcome === "all" ? "all" : "wrong" };
}

function createLegend() {
  const ticks = [el("span"), el("span"), el("span")];
  const steps = Array.from({ length: LEVELS }, (_, k) => setLevel(el("span"), k + 1));
  return {
    node: el(
      "div.legend",
      { "aria-hidden": "true" },
      el("div.steps", {}, steps),
      el("div.ends", {}, ticks),
    ),
    /** @param {MatrixValues} values @param {Scale} scale */
    draw({ most, write }, scale) {
      const counted = scale === "count";
      const unit = counted ? "" : "%";
      setText(ticks[0], `0${unit}`);
      // The middle of a scale of square roots is a quarter of its end.
      setText(ticks[1], `${write(most / 4)}${unit}`);
      setText(ticks[2], counted ? plural(most, "{n} mistake", "{n} mistakes") : `${write(most)}%`);
    },
  };
}
