/**
 * Which images pass the filters, in what order, and how many would under another choice.
 * Pure functions of packs and view, quick enough to be run at every click.
 */

import { ANY, CELLS, OUTCOMES } from "./view.js";

/** One bit a filter: an image carries the bits of the filters that it fails. */
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
};

/**
 * @typedef {object} Data
 * @property {import('./pack.js').Pack} images
 * @property {import('./pack.js').Pack} model
 * @property {import('./pack.js').Pack|null} other
 */

/** Where an image falls when two models are compared, as a position in CELLS. */
export function cellOf(label, shown, other) {
  if (other === label) return shown === label ? 0 : 1;
  return shown === label ? 2 : 3;
}

/**
 * @param {Data} data
 * @param {import('./view.js').View} view
 * @param {Uint8Array|null} area 1 for each image within the box or lasso on the map
 * @returns {Uint16Array} for each image, the bits of the filters it fails; 0 passes them all
 */
export function failures({ images, model, other }, view, area) {
  const { label, agreement } = images.columns;
  const { predicted, verdict, confidence } = model.columns;
  const fails = new Uint16Array(images.count);
  const low = view.low * 100;
  const high = view.high * 100;
  const group = view.slice && images.columns[`slice_${view.slice.key}`];
  const theirs = view.cell === ANY ? null : other?.columns.predicted;
  for (let i = 0; i < fails.length; i++) {
    let bits = 0;
    const right = label[i] === predicted[i];
    if (view.true !== ANY && label[i] !== view.true) bits |= BIT.true;
    if (view.predicted !== ANY && predicted[i] !== view.predicted) bits |= BIT.predicted;
    if (view.outcome !== "all" && right !== (view.outcome === "right")) bits |= BIT.outcome;
    if (view.verdict !== ANY && verdict[i] !== view.verdict + 1) bits |= BIT.verdict;
    if (view.agreement !== ANY && agreement[i] !== view.agreement) bits |= BIT.agreement;
    if (confidence[i] < low || confidence[i] > high) bits |= BIT.confidence;
    if (group && group[i] !== view.slice.group) bits |= BIT.slice;
    if (theirs && cellOf(label[i], predicted[i], theirs[i]) !== view.cell) bits |= BIT.cell;
    if (area && !area[i]) bits |= BIT.area;
    fails[i] = bits;
  }
  return fails;
}

/**
 * All test indices in the order of one sort.
 * @param {Uint16Array} rank the place of each image in that order
 * @returns {Uint16Array}
 */
export function orderOf(rank) {
  const order = new Uint16Array(rank.length);
  for (let i = 0; i < rank.length; i++) order[rank[i]] = i;
  return order;
}

/**
 * @param {Uint16Array} fails
 * @param {Uint16Array} order
 * @returns {Uint16Array} the test indices that pass, in order
 */
export function select(fails, order) {
  const chosen = new Uint16Array(order.length);
  let size = 0;
  for (let k = 0; k < order.length; k++) if (!fails[order[k]]) chosen[size++] = order[k];
  return chosen.subarray(0, size);
}

/**
 * How many images each choice of each filter would leave, the other filters staying as they are:
 * an image counts towards a filter's choices if it fails that filter alone, or none.
 * @param {Data} data
 * @param {Uint16Array} fails
 */
export function facets({ images, model, other }, fails) {
  const { label, agreement } = images.columns;
  const { predicted, verdict } = model.columns;
  const theirs = other?.columns.predicted;
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
    if (theirs && alone(BIT.cell)) {
      add(counts.cell, cellOf(label[i], predicted[i], theirs[i]));
    }
  }
  counts.outcome.each[OUTCOMES.indexOf("all")] = counts.outcome.any;
  return counts;
}

/**
 * @param {Uint8Array} label
 * @param {Uint8Array} predicted
 * @param {number} classes
 * @returns {Uint32Array} (classes, classes), true by predicted
 */
export function confusion(label, predicted, classes) {
  const counts = new Uint32Array(classes * classes);
  for (let i = 0; i < label.length; i++) counts[label[i] * classes + predicted[i]]++;
  return counts;
}

/**
 * @param {Uint8Array} label
 * @param {Uint8Array} shown classes that the shown model chose
 * @param {Uint8Array} other classes that the other one chose
 * @returns {Uint32Array} how many images fall in each of CELLS
 */
export function crossing(label, shown, other) {
  const counts = new Uint32Array(CELLS.length);
  for (let i = 0; i < label.length; i++) counts[cellOf(label[i], shown[i], other[i])]++;
  return counts;
}
