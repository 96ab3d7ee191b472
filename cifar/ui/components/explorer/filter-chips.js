/** The chips of the filters that are on; a click removes the filter. */

import { el, fill } from "../shared/dom.js";
import { activeFilters } from "./active-filters.js";
import { NO_FILTERS } from "./view.js";

/**
 * @param {object} actions
 * @param {(patch: Partial<import('./view.js').View>, clearArea?: boolean) => void} actions.change
 * @param {() => void} actions.clearArea
 * @param {() => void} actions.focusMenus called when the chip that had the focus was the last one
 */
export function createFilterChips({ change, clearArea, focusMenus }) {
  const each = el("span.each");
  const clear = el("button.link", { onclick: () => change(NO_FILTERS, true) }, "clear all");
  const label = "Filters that are on";
  const node = el("div.chips.active", { role: "group", "aria-label": label }, each, clear);

  /** @param {import('./active-filters.js').ActiveFilter} filter */
  const chip = ([words, patch]) =>
    el(
      "button.chip.on",
      {
        "aria-label": `remove filter: ${words}`,
        title: patch
          ? "remove this filter"
          : "remove this filter; a drawn area is not part of a link",
        onclick: () => (patch ? change(patch) : clearArea()),
      },
      words,
      el("span", { "aria-hidden": "true" }, " ✕"),
    );

  return {
    node,
    /** @param {import('./explorer.js').State} state */
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
