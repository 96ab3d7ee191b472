/** The filters above the gallery, the chips of those that are on, and the size of the selection. */

import { el, fill, menu, setText } from "../shared/dom.js";
import { plural, t } from "../shared/language.js";
import { count } from "../shared/words.js";
import { createFilterChips } from "./active-filters.js";
import { createExportMenu } from "./export-menu.js";
import { createFinder, createRange } from "./filter-fields.js";
import { createSelections } from "./selections.js";
import { ANY, NETWORKS, OUTCOMES } from "./view.js";

/** @import { Actions, State } from "./explorer.js" */

const ANY_OPTION = { value: String(ANY), text: t("any") };
/** @type {Record<import('./view.js').Outcome, string>} */
const OUTCOME_TITLES = { wrong: t("wrong"), right: t("right"), all: t("all") };
/** Return options whose values are positions. @param {string[]} titles */
const numbered = (titles) => titles.map((text, k) => ({ value: String(k), text }));

/**
 * @param {import('./pack.js').Pack} images
 * @param {Pick<Actions, 'change'|'pick'|'setArea'|'names'|'query'|'leftOut'|'exact'|'tags'>} actions
 * @param {(() => string)|null} link the view as an address, where there is one
 */
export function createFilters(images, actions, link) {
  const { change, pick, setArea } = actions;
  const menus = createMenus(images, change);
  const sort = menu(t("sort"), [], (value) => change({ sort: +value }));
  const confidence = createRange(
    {
      title: t("confidence, %"),
      from: t("confidence from, percent"),
      to: t("confidence to, percent"),
    },
    100,
    (low, high) => change({ low, high }),
  );
  const difficulty = createRange(
    {
      title: t("networks that miss it"),
      from: t("networks that miss it, from"),
      to: t("networks that miss it, to"),
    },
    NETWORKS,
    (fewest, most) => change({ fewest, most }),
  );
  const finder = createFinder(images.count, pick);
  const chips = createFilterChips({ change, setArea }, menus.focus);
  const selections = createSelections(actions);
  const size = el("p.count", { "aria-live": "polite" });
  const exportMenu = createExportMenu(actions, link);
  const node = el(
    "div.filters",
    { role: "search", "aria-label": t("Filters") },
    el("div.fields", {}, menus.nodes, confidence.node, difficulty.node, finder.node),
    finder.problem,
    selections.node,
    chips.node,
    el("div.line", {}, size, sort.node, exportMenu.node),
  );
  let model = null;

  return {
    node,
    refreshSaved: selections.refresh,
    /** @param {State} state */
    update(state) {
      if (model !== state.model) {
        model = state.model;
        menus.setVerdicts(model.header.verdicts.map(({ title }) => title));
        setOptions(sort.select, numbered(model.header.sorts.map((sort) => t(sort))));
      }
      menus.update(state);
      sort.select.value = String(state.view.sort);
      confidence.update(state.view.low, state.view.high);
      difficulty.update(state.view.fewest, state.view.most);
      selections.update(state);
      chips.update(state);
      exportMenu.update(state);
      setText(size, selectionInWords(state));
    },
  };
}

/**
 * Make the menus, whose options say how many images each would leave.
 * @param {import('./pack.js').Pack} images
 * @param {Actions['change']} change
 */
function createMenus(images, change) {
  const { classes, agreement } = images.header;
  const outcomes = OUTCOMES.map((value) => ({ value, text: OUTCOME_TITLES[value] }));
  const classOptions = [ANY_OPTION, ...numbered(classes)];
  const bands = [ANY_OPTION, ...numbered(agreement.map(({ key }) => t(key)))];
  const menus = {
    true: menu(t("true class"), classOptions, (value) => change({ true: +value })),
    predicted: menu(t("seen as"), classOptions, (value) => change({ predicted: +value })),
    outcome: menu(t("outcome"), outcomes, (value) =>
      change({ outcome: /** @type {import('./view.js').Outcome} */ (value) }),
    ),
    verdict: menu(t("why it is wrong"), [ANY_OPTION], (value) => change({ verdict: +value })),
    agreement: menu(t("people agree"), bands, (value) => change({ agreement: +value })),
  };

  return {
    nodes: Object.values(menus).map(({ node }) => node),
    focus: () => menus.true.select.focus(),
    /** @param {string[]} titles */
    setVerdicts(titles) {
      setOptions(menus.verdict.select, [ANY_OPTION, ...numbered(titles)]);
      for (const { select } of Object.values(menus))
        for (const option of select.options) option.dataset.text ??= option.textContent;
    },
    /** @param {State} state */
    update({ view, facets }) {
      for (const [key, { select }] of Object.entries(menus)) {
        drawCounts(select.options, facets[key]);
        select.value = String(view[key]);
        const usual = key === "outcome" ? "wrong" : ANY;
        select.classList.toggle("on", view[key] !== usual);
      }
    },
  };
}

/** @param {HTMLSelectElement} select @param {Array<{value: string, text: string}>} options */
function setOptions(select, options) {
  const nodes = options.map(({ value, text }) => el("option", { value }, text));
  fill(select, nodes);
}

/** Write behind each option how many images it would leave. */
function drawCounts(options, { any, each }) {
  const first = options.length - each.length; // 1 where the first option is "any"
  for (let k = 0; k < options.length; k++)
    setText(options[k], `${options[k].dataset.text} (${count(k < first ? any : each[k - first])})`);
}

/**
 * Return the size of the selection in words: '78 of 741 mistakes', '846 of 9,259 right answers', or
 * '1,000 of 10,000 images'.
 * @param {Pick<State, 'images'|'model'|'view'|'selection'>} state
 */
export function selectionInWords({ view, model, images, selection }) {
  const { mistakes } = model.header;
  const chosen = selection.length;
  if (view.outcome === "wrong") return t("{chosen} of {all} mistakes", { chosen, all: mistakes });
  if (view.outcome === "right")
    return t("{chosen} of {all} right answers", { chosen, all: images.count - mistakes });
  return plural(images.count, "{chosen} of {n} image", "{chosen} of {n} images", { chosen });
}
