/**
 * A page of thumbnails. Tiles are made once and dressed anew; each carries the test index of what
 * it shows, so that a click always means the picture that was seen.
 */

import { el, enable, setText } from "../shared/dom.js";
import { count } from "../shared/words.js";
import { caption } from "./captions.js";

export const PAGE = 60;
/** Screen pixels for each of an image's. */
const SCALE = 3;

/**
 * @param {object} actions
 * @param {(index: number) => void} actions.pick
 * @param {() => void} actions.clear take all filters off
 * @param {() => ReturnType<typeof import('./sheets.js').createSheets>} actions.sheets
 */
export function createGallery({ pick, clear, sheets }) {
  const tiles = Array.from({ length: PAGE }, () => {
    const parts = {
      picture: el("span.pixels"),
      dot: el("i.dot", { "aria-hidden": "true" }),
      number: el("b"),
      words: el("span"),
    };
    const node = el(
      "button.tile",
      { hidden: true, tabindex: -1 },
      parts.picture,
      parts.dot,
      el("span.caption", {}, parts.number, parts.words),
    );
    return { node, ...parts };
  });
  const grid = el(
    "div.tiles",
    { role: "group", "aria-label": "Images; arrow keys walk, Enter opens" },
    tiles.map(({ node }) => node),
  );
  const empty = el(
    "p.note",
    { hidden: true },
    "No image passes all of these filters. ",
    el("button.link", { onclick: clear }, "clear all"),
  );
  const range = el("span.range-of");
  const input = el("input", { type: "number", min: 1, step: 1, "aria-label": "page" });
  const pages = el("span");
  const back = el(
    "button.small",
    { onclick: () => turn(page - 1), "aria-label": "previous page" },
    "‹",
  );
  const on = el("button.small", { onclick: () => turn(page + 1), "aria-label": "next page" }, "›");
  const pager = el(
    "nav.pager",
    { "aria-label": "Pages" },
    range,
    back,
    el("label", {}, "page ", input),
    pages,
    on,
  );
  const node = el("div.gallery", {}, pager, grid, empty);

  let state = null;
  let page = 0;
  /** The tile that Tab reaches. */
  let stop = 0;

  const last = () => Math.max(0, Math.ceil(state.selection.length / PAGE) - 1);

  function turn(to) {
    page = Math.min(last(), Math.max(0, to));
    stop = 0;
    draw();
  }

  input.addEventListener("change", () => turn(Math.round(Number(input.value) || 1) - 1));
  grid.addEventListener("click", ({ target }) => {
    const tile = target.closest("button");
    if (tile) pick(+tile.dataset.index);
  });
  grid.addEventListener("focusin", ({ target }) => {
    setStop(tiles.findIndex((tile) => tile.node === target));
  });
  grid.addEventListener("keydown", (event) => {
    const by = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns(),
      ArrowUp: -columns(),
      PageDown: PAGE,
      PageUp: -PAGE,
    }[event.key];
    const size = state.selection.length;
    let to = by === undefined ? -1 : page * PAGE + stop + by;
    if (event.key === "Home") to = 0;
    else if (event.key === "End") to = size - 1;
    else if (by === undefined) return;
    event.preventDefault();
    if (Math.abs(by) > 1 && (to < 0 || to >= size)) to = to < 0 ? 0 : size - 1;
    to = Math.min(size - 1, Math.max(0, to));
    if (Math.floor(to / PAGE) !== page) turn(Math.floor(to / PAGE));
    setStop(to % PAGE);
    tiles[stop].node.focus();
  });

  /** How many tiles stand side by side now. */
  function columns() {
    const top = tiles[0].node.offsetTop;
    const second = tiles.findIndex(({ node }) => !node.hidden && node.offsetTop > top);
    return second < 0 ? PAGE : second;
  }

  function setStop(at) {
    if (at < 0 || (at === stop && tiles[at].node.tabIndex === 0)) return;
    tiles[stop].node.tabIndex = -1;
    stop = at;
    tiles[stop].node.tabIndex = 0;
  }

  function draw() {
    const { selection, shown } = state;
    const first = page * PAGE;
    const titles = state.model.header.verdicts;
    tiles.forEach((tile, k) => {
      const index = first + k < selection.length ? selection[first + k] : -1;
      const { node, picture, dot, number, words } = tile;
      node.hidden = index < 0;
      if (index < 0) return;
      const text = caption(state, index);
      const cut = text.indexOf(" ");
      node.dataset.index = index;
      node.setAttribute("aria-pressed", index === shown);
      setText(number, text.slice(0, cut));
      setText(words, text.slice(cut));
      sheets().paint(picture, index, SCALE);
      const verdict = (state.model.columns.verdict?.[index] ?? 0) - 1;
      const title = titles[verdict]?.title ?? "";
      dot.hidden = !title;
      dot.dataset.verdict = verdict;
      dot.title = title;
      node.setAttribute("aria-label", title ? `${text}, ${title}` : text);
    });
    const size = selection.length;
    const end = Math.min(size, first + PAGE);
    setText(range, size ? `${count(first + 1)}–${count(end)} of ${count(size)}` : "");
    if (document.activeElement !== input || +input.value !== page + 1) input.value = page + 1;
    input.max = last() + 1;
    setText(pages, `of ${last() + 1}`);
    enable(back, page > 0);
    enable(on, page < last());
    pager.hidden = !size;
    empty.hidden = size > 0;
    setStop(Math.min(stop, Math.max(0, end - first - 1)));
  }

  return {
    node,
    /**
     * @param {import('./explorer.js').State} next
     * @param {boolean} follow whether to turn to the page of the image that is shown
     */
    update(next, follow) {
      const same = state?.selection === next.selection;
      state = next;
      const at = follow ? next.place : -1;
      if (at >= 0) {
        page = Math.floor(at / PAGE);
        setStop(at % PAGE);
      } else if (!same) {
        page = 0;
        setStop(0);
      }
      page = Math.min(page, last());
      draw();
    },
    /** A sheet of thumbnails has come. */
    arrived() {
      if (state) draw();
    },
    focusPicked() {
      const tile = tiles.find(({ node }) => !node.hidden && +node.dataset.index === state.shown);
      (tile ?? tiles[stop]).node.focus();
    },
  };
}
