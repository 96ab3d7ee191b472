/** The filters that are on, in words, and their chips: a click removes the filter. */

import { el, fill } from "../shared/dom.js";
import { count } from "../shared/words.js";
import { ANY, CELLS, NO_FILTERS, usualOutcome } from "./view.js";

/** @import { Actions, State } from "./explorer.js" */

/** Outcomes where they stand alone, on a chip. */
const OUTCOME_WORDS = { wrong: "wrong ones", right: "right ones", all: "right and wrong" };

/**
 * @typedef {[string, Partial<import('./view.js').View>|null]} ActiveFilter the filter in words, and
 *   the change that removes it; null for the area on the map
 */

/**
 * Return the filters that are on. An outcome that another filter brought with it has no entry of its
 * own: removing the other filter removes both.
 * @param {Pick<State, 'images'|'model'|'other'|'view'|'area'>} state
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
    view.slice && [sliceInWords(images.header.slices, view.slice), { slice: null }],
    view.cell !== ANY && [comparison(view.cell, other.header), { cell: ANY, outcome: "wrong" }],
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

function sliceInWords(slices, { key, group }) {
  const { title, groups } = slices.find((slice) => slice.key === key);
  return `${title}: ${groups[group]}`;
}

function comparison(cell, { title }) {
  const words = CELLS[cell];
  return `${words} ${words.startsWith("both") ? "with" : "by"} ${title}`;
}

/**
 * Make the chips of the filters that are on.
 * @param {Pick<Actions, 'change'|'setArea'>} actions
 * @param {() => void} focusMenus called when the last chip disappears while it has the focus
 */
export function createFilterChips({ change, setArea }, focusMenus) {
  const each = el("span.each");
  const clear = el("button.link", { onclick: () => change(NO_FILTERS, true) }, "clear all");
  const label = "Filters that are on";
  const node = el("div.chips.active", { role: "group", "aria-label": label }, each, clear);

  /** @param {ActiveFilter} filter */
  function chip([words, patch]) {
    const note = patch ? "" : "; a drawn area is not part of a link";
    const props = {
      "aria-label": `remove filter: ${words}`,
      title: `remove this filter${note}`,
      onclick: () => (patch ? change(patch) : setArea(null)),
    };
    return el("button.chip.on", props, words, el("span", { "aria-hidden": "true" }, " ✕"));
  }

  return {
    node,
    /** @param {State} state */
    update(state) {
      const focused = node.contains(document.activeElement);
      const filters = activeFilters(state);
      fill(each, filters.map(chip));
      clear.hidden = filters.length < 2;
      node.hidden = !filters.length;
      if (focused && !filters.length) focusMenus();
    },
  };
}
