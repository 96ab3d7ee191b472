/** The filters that are on, in words, and their chips: a click removes the filter. */

import { el, fill } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { ANY, NETWORKS, NO_FILTERS, usualOutcome, withExpression } from "./view.js";

/** @import { Actions, State } from "./explorer.js" */

/** Outcomes where they stand alone, on a chip. */
const OUTCOME_WORDS = {
  wrong: t("wrong ones"),
  right: t("right ones"),
  all: t("right and wrong"),
};

/** @type {Object<string, (n: number) => string>} what an area on the map is called */
const WITHIN = {
  box: (n) => t("within the box: {n}", { n }),
  lasso: (n) => t("within the lasso: {n}", { n }),
  "tagged images": (n) => t("within the tagged images: {n}", { n }),
};

/** Say how the model that is compared with differs, for each of CELLS. */
const COMPARED = [
  (/** @type {string} */ model) => t("both right with {model}", { model }),
  (/** @type {string} */ model) => t("fixed by {model}", { model }),
  (/** @type {string} */ model) => t("broken by {model}", { model }),
  (/** @type {string} */ model) => t("both wrong with {model}", { model }),
];

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
    view.agreement !== ANY && [peopleSay(agreement[view.agreement].key), { agreement: ANY }],
    confidenceFilter(view),
    difficultyFilter(view),
    view.slice && [sliceInWords(images.header.slices, view.slice), { slice: null }],
    view.cell !== ANY && [COMPARED[view.cell](other.header.title), { cell: ANY, outcome: "wrong" }],
    view.where !== "" && [view.where, withExpression(view, "")],
    area && [WITHIN[area.what](area.count), null],
  ];
  return /** @type {ActiveFilter[]} */ (filters.filter(Boolean));
}

/** @param {string} band */
const peopleSay = (band) => t("people: {band}", { band: t(band) });

/** @returns {ActiveFilter|null} */
function classFilter({ true: label, predicted, outcome }, classes) {
  const names = { label: classes[label], predicted: classes[predicted] };
  if (label === ANY && predicted === ANY) return null;
  if (predicted === ANY) return [t("labelled {label}", names), { true: ANY }];
  if (label === ANY) return [t("seen as {predicted}", names), { predicted: ANY }];
  const both = { true: ANY, predicted: ANY };
  return label === predicted && outcome === "right"
    ? [t("{label}, recognised", names), { ...both, outcome: "wrong" }]
    : [t("{label} seen as {predicted}", names), both];
}

/** @returns {ActiveFilter|null} */
function confidenceFilter({ low, high }) {
  if (low <= 0 && high >= 100) return null;
  return [t("confidence {low} to {high}%", { low, high }), { low: 0, high: 100 }];
}

/** @returns {ActiveFilter|null} */
function difficultyFilter({ fewest, most }) {
  if (fewest <= 0 && most >= NETWORKS) return null;
  const words =
    most > 0
      ? t("missed by {fewest} to {most} networks", { fewest, most })
      : t("missed by no other network");
  return [words, { fewest: 0, most: NETWORKS }];
}

function sliceInWords(slices, { key, group }) {
  const { title, groups } = slices.find((slice) => slice.key === key);
  return `${title}: ${groups[group]}`;
}

/**
 * Make the chips of the filters that are on.
 * @param {Pick<Actions, 'change'|'setArea'>} actions
 * @param {() => void} focusMenus called when the last chip disappears while it has the focus
 */
export function createFilterChips({ change, setArea }, focusMenus) {
  const each = el("span.each");
  const clear = el("button.link", { onclick: () => change(NO_FILTERS, true) }, t("clear all"));
  const label = t("Filters that are on");
  const node = el("div.chips.active", { role: "group", "aria-label": label }, each, clear);

  /** @param {ActiveFilter} filter */
  function chip([words, patch]) {
    const props = {
      "aria-label": t("remove filter: {filter}", { filter: words }),
      title: patch
        ? t("remove this filter")
        : t("remove this filter; a drawn area is not part of a link"),
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
