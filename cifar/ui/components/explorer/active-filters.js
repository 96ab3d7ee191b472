/** The filters that are on, in words, and how many images they leave. */

import { count, images as imagesInWords } from "../shared/words.js";
import { ANY, CELLS, usualOutcome } from "./view.js";

/** Outcomes where they stand alone, on a chip. */
const OUTCOME_WORDS = { wrong: "wrong ones", right: "right ones", all: "right and wrong" };

/**
 * @typedef {[string, Partial<import('./view.js').View>|null]} ActiveFilter the filter in words, and
 *   the change that removes it; null for the area on the map
 */

/**
 * Return the filters that are on. An outcome that another filter brought with it has no entry of its
 * own: removing the other filter removes both.
 * @param {Pick<import('./explorer.js').State, 'images'|'model'|'other'|'view'|'area'>} state
 * @returns {ActiveFilter[]}
 */
export function activeFilters({ images, model, other, view, area }) {
  const { classes, agreement } = images.header;
  const outcome = usualOutcome(view);
  /** @type {Array<ActiveFilter|false|null>} */
  const filters = [
    classFilter(view, classes),
    view.outcome !== outcome && [OUTCOME_WORDS[view.outcome], { outcome }],
    view.verdict !== ANY && [model.header.verdicts[view.verdict].title, { verdict: ANY }],
    view.agreement !== ANY && [`people: ${agreement[view.agreement].key}`, { agreement: ANY }],
    confidenceFilter(view),
    view.slice && [sliceInWords(images, view.slice), { slice: null }],
    view.cell !== ANY && [
      comparisonInWords(view.cell, other.header.title),
      { cell: ANY, outcome: "wrong" },
    ],
    area && [`within the ${area.what}: ${count(area.count)}`, null],
  ];
  return /** @type {ActiveFilter[]} */ (filters.filter(Boolean));
}

/** @returns {ActiveFilter|null} */
function classFilter({ true: label, predicted, outcome }, classes) {
  if (label === ANY && predicted === ANY) return null;
  if (predicted === ANY) return [`labelled ${classes[label]}`, { true: ANY }];
  if (label === ANY) return [`seen as ${classes[predicted]}`, { predicted: ANY }];
  const both = { true: ANY, predicted: ANY };
  return label === predicted && outcome === "right"
    ? [`${classes[label]}, recognised`, { ...both, outcome: "wrong" }]
    : [`${classes[label]} seen as ${classes[predicted]}`, both];
}

/** @returns {ActiveFilter|null} */
function confidenceFilter({ low, high }) {
  if (low <= 0 && high >= 100) return null;
  return [`confidence ${low} to ${high}%`, { low: 0, high: 100 }];
}

function sliceInWords(images, { key, group }) {
  const { title, groups } = images.header.slices.find((slice) => slice.key === key);
  return `${title}: ${groups[group]}`;
}

function comparisonInWords(cell, other) {
  const words = CELLS[cell];
  return `${words} ${words.startsWith("both") ? "with" : "by"} ${other}`;
}

/**
 * Return the size of the selection in words: '78 of 741 mistakes', '846 of 9,259 right answers', or
 * '1,000 of 10,000 images'.
 * @param {Pick<import('./explorer.js').State, 'images'|'model'|'view'|'selection'>} state
 */
export function selectionInWords({ view, model, images, selection }) {
  const { mistakes } = model.header;
  const n = count(selection.length);
  if (view.outcome === "wrong") return `${n} of ${count(mistakes)} mistakes`;
  if (view.outcome === "right") return `${n} of ${count(images.count - mistakes)} right answers`;
  return `${n} of ${imagesInWords(images.count)}`;
}
