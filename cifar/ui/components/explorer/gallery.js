/** A page of thumbnails of the selection. */

import { el, enable, setAria, setNumber, setText, within } from "../shared/dom.js";
import { parts, t } from "../shared/language.js";
import { createTabStop } from "../shared/tab-stop.js";
import { count } from "../shared/words.js";
import { description } from "./captions.js";
import { recordOf } from "./record.js";
import { inWords } from "./tags.js";

/** @import { Actions, State } from "./explorer.js" */

/** Images on a page. */
const PAGE = 60;
/** Screen pixels for each of an image's. */
const SCALE = 3;

/**
 * @param {Pick<Actions, 'pick'|'sheets'>} actions
 * @param {Actions['tags']} tags
 * @param {() => void} clear remove all filters
 */
export function createGallery({ pick, sheets }, tags, clear) {
  const tiles = Array.from({ length: PAGE }, () => createTile(sheets, tags));
  const buttons = tiles.map(({ node }) => node);
  const stop = createTabStop(buttons);
  const grid = el(
    "div.tiles",
    { role: "group", "aria-label": t("Images; arrow keys walk, Enter opens") },
    buttons,
  );
  const empty = el(
    "p.note",
    { hidden: true },
    t("No image passes all of these filters."),
    " ",
    el("button.link", { onclick: clear }, t("clear all")),
  );
  const pager = createPager(turn);
  const node = el("div.gallery", {}, pager.node, grid, empty);

  let state = /** @type {State} */ (null);
  let page = 0;

  const pages = () => Math.max(1, Math.ceil(state.selection.length / PAGE));

  function turn(next) {
    page = Math.min(pages() - 1, Math.max(0, next));
    stop.moveTo(0);
    draw();
  }

  grid.addEventListener("click", (event) => {
    const tile = within(event, "button");
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

  /** Scroll to the image that was stepped to; a tile that has the focus hands it over. */
  function keepInSight() {
    const tile = buttons[stop.at];
    if (grid.contains(document.activeElement)) tile.focus({ preventScroll: true });
    const { top, bottom } = tile.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) tile.scrollIntoView({ block: "center" });
  }

  function draw() {
    const size = state.selection.length;
    const first = page * PAGE;
    const end = Math.min(size, first + PAGE);
    tiles.forEach((tile, k) => tile.show(state, state.selection[first + k]));
    const range = { first: first + 1, last: end, all: size };
    pager.update(page, pages(), t("{first}–{last} of {all}", range));
    pager.node.hidden = !size;
    empty.hidden = size > 0;
    stop.moveTo(Math.min(stop.at, Math.max(0, end - first - 1)));
  }

  return {
    node,
    /**
     * @param {State} next
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
    keepInSight,
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

/**
 * Make a thumbnail, which shows one image after another.
 * @param {Actions['sheets']} sheets
 * @param {Actions['tags']} tags
 */
function createTile(sheets, tags) {
  const picture = el("span.pixels");
  const dot = el("i.dot", { "aria-hidden": "true" });
  const tag = el("span.tag", { "aria-hidden": "true" }, "✎");
  const number = el("b");
  const rest = el("span");
  const label = el("span.caption", {}, number, rest);
  const node = el("button.tile", { hidden: true }, picture, dot, tag, label);
  return {
    node,
    /**
     * Show an image. The button carries its test index, so that a click picks the image that the
     * visitor sees.
     * @param {State} state
     * @param {number|undefined} index undefined hides the tile
     */
    show(state, index) {
      node.hidden = index === undefined;
      if (node.hidden) return;
      const text = description(state, index);
      const { verdict } = recordOf(state, index);
      node.dataset.index = String(index);
      setAria(node, "pressed", index === state.shown);
      const own = inWords(tags.of(index));
      tag.hidden = !own;
      tag.title = own;
      const tagged = own && t("tagged {tags}", { tags: own });
      const words = [`#${index} ${text}`, verdict?.title, tagged];
      node.setAttribute("aria-label", words.filter(Boolean).join(", "));
      setText(number, `#${index}`);
      setText(rest, ` ${text}`);
      sheets().paint(picture, index, SCALE);
      dot.hidden = !verdict;
      dot.dataset.verdict = String(verdict?.at ?? -1);
      dot.title = verdict?.title ?? "";
    },
  };
}

/** Make the line that says which images are shown and leads to the other pages. */
function createPager(turn) {
  let page = 0;
  const range = el("span.range-of");
  const input = el("input", { type: "number", min: 1, step: 1, "aria-label": t("page") });
  input.addEventListener("change", () => turn(Math.round(Number(input.value) || 1) - 1));
  const total = el("span");
  const button = (text, label, by) =>
    el("button.small", { onclick: () => turn(page + by), "aria-label": label }, text);
  const previous = button("‹", t("previous page"), -1);
  const next = button("›", t("next page"), 1);
  const field = el("label", {}, parts("page {page} of {pages}", { page: input, pages: total }));
  return {
    node: el("nav.pager", { "aria-label": t("Pages") }, range, previous, field, next),
    /** @param {number} shown position of the page @param {number} pages @param {string} words */
    update(shown, pages, words) {
      page = shown;
      setText(range, words);
      setNumber(input, page + 1);
      input.max = String(pages);
      setText(total, count(pages));
      enable(previous, page > 0);
      enable(next, page < pages - 1);
    },
  };
}

/** Return how many tiles stand side by side now. @param {HTMLElement[]} buttons */
function columnsOf(buttons) {
  const top = buttons[0].offsetTop;
  const second = buttons.findIndex(({ hidden, offsetTop }) => !hidden && offsetTop > top);
  return second < 0 ? buttons.length : second;
}

/** Return the position that a key leads to in a selection of this size; null for other keys. */
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
