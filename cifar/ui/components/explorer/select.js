/**
 * Which images pass the filters, in what order, and how many would pass another choice. All are pure
 * functions of packs and view, fast enough to run at every click.
 */

import { parseExpression } from "./expression.js";
import { ANY, CELLS, NETWORKS, OUTCOMES, cellOf, names } from "./view.js";

/** One bit for each filter: an image has the bits of the filters that it fails. */
export const BIT = {
  true: 1,
  predicted: 2,
  outcome: 4,
  verdict: 8,
  agreement: 16,
  confidence: 32,
  slice: 64,
  cell: 128,
  area: 256,
  difficulty: 512,
  where: 1024,
};

/**
 * @typedef {object} Data
 * @property {import('./pack.js').Pack} images
 * @property {import('./pack.js').Pack} model
 * @property {import('./pack.js').Pack|null} other
 */

/**
 * Return the filters that each image fails.
 * @param {Data} data
 * @param {import('./view.js').View} view
 * @param {Uint8Array|null} area 1 for each image within the box or lasso on the map
 * @returns {Uint16Array} bits of the filters; 0 for the images that pass them all
 */
export function failures(data, view, area) {
  const { images, model, other } = data;
  const { label, agreement, difficulty } = images.columns;
  const { predicted, verdict, confidence } = model.columns;
  const fails = new Uint16Array(images.count);
  const mark = (bit, failing) => {
    for (let i = 0; i < fails.length; i++) if (failing(i)) fails[i] |= bit;
  };
  if (view.true !== ANY) mark(BIT.true, (i) => label[i] !== view.true);
  if (view.predicted !== ANY) mark(BIT.predicted, (i) => predicted[i] !== view.predicted);
  if (view.outcome !== "all") {
    const right = view.outcome === "right";
    mark(BIT.outcome, (i) => (label[i] === predicted[i]) !== right);
  }
  if (view.verdict !== ANY) mark(BIT.verdict, (i) => verdict[i] !== view.verdict + 1);
  if (view.agreement !== ANY) mark(BIT.agreement, (i) => agreement[i] !== view.agreement);
  const [low, high] = [view.low * 100, view.high * 100];
  mark(BIT.confidence, (i) => confidence[i] < low || confidence[i] > high);
  const { fewest, most } = view;
  if (fewest > 0 || most < NETWORKS)
    mark(BIT.difficulty, (i) => difficulty[i] < fewest || difficulty[i] > most);
  if (view.slice) {
    const group = images.columns[`slice_${view.slice.key}`];
    if (group) mark(BIT.slice, (i) => group[i] !== view.slice.group);
  }
  if (view.cell !== ANY && other) {
    const otherPredicted = other.columns.predicted;
    mark(BIT.cell, (i) => cellOf(label[i], predicted[i], otherPredicted[i]) !== view.cell);
  }
  if (view.where) {
    const passes = parseExpression(view.where, names(images.header, model.header))(data);
    mark(BIT.where, (i) => !passes(i));
  }
  if (area) mark(BIT.area, (i) => !area[i]);
  return fails;
}

/**
 * Return all test indices in the order of one sort.
 * @param {Uint16Array} rank the place of each image in that order
 * @returns {Uint16Array}
 */
export function orderOf(rank) {
  const order = new Uint16Array(rank.length);
  for (let i = 0; i < rank.length; i++) order[rank[i]] = i;
  return order;
}

/**
 * Return the test indices of the images that pass, in order.
 * @param {Uint16Array} fails
 * @param {Uint16Array} order
 * @returns {Uint16Array}
 */
export function select(fails, order) {
  const chosen = new Uint16Array(order.length);
  let size = 0;
  for (let k = 0; k < order.length; k++) if (!fails[order[k]]) chosen[size++] = order[k];
  return chosen.subarray(0, size);
}

/**
 * Return how many images each choice of each filter would leave, with the other filters as they are.
 * An image counts for a filter if it fails no other one.
 * @param {Data} data
 * @param {Uint16Array} fails
 */
export function facets({ images, model, other }, fails) {
  const { label, agreement } = images.columns;
  const { predicted, verdict } = model.columns;
  const otherPredicted = other?.columns.predicted;
  const classes = images.header.classes.length;
  const counts = {
    true: { any: 0, each: new Uint32Array(classes) },
    predicted: { any: 0, each: new Uint32Array(classes) },
    outcome: { any: 0, each: new Uint32Array(OUTCOMES.length) },
    verdict: { any: 0, each: new Uint32Array(model.header.verdicts.length) },
    agreement: { any: 0, each: new Uint32Array(images.header.agreement.length) },
    cell: { any: 0, each: new Uint32Array(CELLS.length) },
  };
  const add = (facet, at) => {
    facet.any++;
    if (at < facet.each.length) facet.each[at]++;
  };
  for (let i = 0; i < fails.length; i++) {
    const bits = fails[i];
    const alone = (bit) => (bits & ~bit) === 0;
    if (alone(BIT.true)) add(counts.true, label[i]);
    if (alone(BIT.predicted)) add(counts.predicted, predicted[i]);
    if (alone(BIT.outcome)) add(counts.outcome, label[i] === predicted[i] ? 1 : 0);
    if (alone(BIT.verdict)) add(counts.verdict, verdict[i] - 1);
    if (alone(BIT.agreement)) add(counts.agreement, agreement[i]);
    if (otherPredicted && alone(BIT.cell)) {
      add(counts.cell, cellOf(label[i], predicted[i], otherPredicted[i]));
    }
  }
  counts.outcome.each[OUTCOMES.indexOf("all")] = counts.outcome.any;
  return counts;
}

/**
 * Count the images of each pair of classes.
 * @param {ArrayLike<number>} label
 * @param {ArrayLike<number>} predicted
 * @param {number} classes
 * @returns {Uint32Array} (classes, classes), true by predicted
 */
export function confusion(label, predicted, classes) {
  const counts = new Uint32Array(classes * classes);
  for (let i = 0; i < label.length; i++) counts[label[i] * classes + predicted[i]]++;
  return counts;
}

/**
 * Count the images in each of CELLS.
 * @param {ArrayLike<number>} label
 * @param {ArrayLike<number>} shown classes that the shown model predicts
 * @param {ArrayLike<number>} other classes that the other model predicts
 * @returns {Uint32Array}
 */
export function crossing(label, shown, other) {
  const counts = new Uint32Array(CELLS.length);
  for (let i = 0; i < label.length; i++) counts[cellOf(label[i], shown[i], other[i])]++;
  return counts;
}
