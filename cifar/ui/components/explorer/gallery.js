/** A page of thumbnails of the selection. */

import { buttonOf, el } from "../shared/dom.js";
import { createTabStop } from "../shared/tab-stop.js";
import { createPager } from "./pager.js";
import { createTile } from "./tile.js";

/** Images on a page. */
export const PAGE = 60;

/**
 * @param {object} actions
 * @param {(index: number) => void} actions.pick
 * @param {() => void} actions.clear remove all filters
 * @param {() => ReturnType<typeof import('./sheets.js').createSheets>} actions.sheets
 */
export function createGallery({ pick, clear, sheets }) {
  const tiles = Array.from({ length: PAGE }, () => createTile(sheets));
  const buttons = tiles.map(({ node }) => node);
  const stop = createTabStop(buttons);
  const grid = el(
    "div.tiles",
    { role: "group", "aria-label": "Images; arrow keys walk, Enter opens" },
    buttons,
  );
  const empty = el(
    "p.note",
    { hidden: true },
    "No image passes all of these filters. ",
    el("button.link", { onclick: clear }, "clear all"),
  );
  const pager = createPager(turn);
  const node = el("div.gallery", {}, pager.node, grid, empty);

  /** @type {import('./explorer.js').State} */
  let state = null;
  let page = 0;

  const pages = () => Math.max(1, Math.ceil(state.selection.length / PAGE));

  function turn(next) {
    page = Math.min(pages() - 1, Math.max(0, next));
    stop.moveTo(0);
    draw();
  }

  grid.addEventListener("click", (event) => {
    const tile = buttonOf(event);
    if (tile) pick(+tile.dataset.index);
  });
  grid.addEventListener("focusin", ({ target }) => {
    stop.moveTo(buttons.findIndex((button) => button === target));
  });
  grid.addEventListener("keydown", (event) => {
    const size = state.selection.length;
    const next = positionAfter(event.key, page * PAGE + stop.at, size, columnsOf(buttons));
    if (next === null) return;
    event.preventDefault();
    if (Math.floor(next / PAGE) !== page) turn(Math.floor(next / PAGE));
    stop.moveTo(next % PAGE);
    stop.focus();
  });

  function draw() {
    const size = state.selection.length;
    const first = page * PAGE;
    const end = Math.min(size, first + PAGE);
    tiles.forEach((tile, k) => tile.show(state, state.selection[first + k]));
    pager.update(page, pages(), first, end, size);
    empty.hidden = size > 0;
    stop.moveTo(Math.min(stop.at, Math.max(0, end - first - 1)));
  }

  return {
    node,
    /**
     * @param {import('./explorer.js').State} next
     * @param {boolean} follow whether to turn to the page of the image that is shown
     */
    update(next, follow) {
      const sameSelection = state?.selection === next.selection;
      state = next;
      const at = follow ? next.place : -1;
      if (at >= 0 || !sameSelection) {
        page = Math.floor(Math.max(0, at) / PAGE);
        stop.moveTo(Math.max(0, at) % PAGE);
      }
      page = Math.min(page, pages() - 1);
      draw();
    },
    /** Draw the thumbnails of a sheet that has loaded. */
    arrived() {
      if (state) draw();
    },
    /** Focus the image that is shown, or else the tile that Tab reaches. */
    focusPicked() {
      const shown = buttons.find(
        ({ hidden, dataset }) => !hidden && +dataset.index === state.shown,
      );
      (shown ?? buttons[stop.at]).focus();
    },
  };
}

/** Return how many tiles stand side by side now. @param {HTMLElement[]} buttons */
function columnsOf(buttons) {
  const top = buttons[0].offsetTop;
  const second = buttons.findIndex(({ hidden, offsetTop }) => !hidden && offsetTop > top);
  return second < 0 ? buttons.length : second;
}

/**
 * Return the position that a key moves to.
 * @param {string} key
 * @param {number} at the position now
 * @param {number} size of the selection
 * @param {number} columns of the grid
 * @returns {number|null} null for keys that move nowhere
 */
export function positionAfter(key, at, size, columns) {
  const next = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    PageDown: at + PAGE,
    PageUp: at - PAGE,
    Home: 0,
    End: size - 1,
  }[key];
  return next === undefined ? null : Math.min(size - 1, Math.max(0, next));
}
