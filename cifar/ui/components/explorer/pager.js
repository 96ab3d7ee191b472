/** The pages of the gallery: which images are shown, and the way to the other pages. */

import { el, enable, setNumber, setText } from "../shared/dom.js";
import { count } from "../shared/words.js";

/** @param {(page: number) => void} turn */
export function createPager(turn) {
  let page = 0;
  const range = el("span.range-of");
  const input = el("input", { type: "number", min: 1, step: 1, "aria-label": "page" });
  input.addEventListener("change", () => turn(Math.round(Number(input.value) || 1) - 1));
  const total = el("span");
  const button = (text, label, by) =>
    el("button.small", { onclick: () => turn(page + by), "aria-label": label }, text);
  const previous = button("‹", "previous page", -1);
  const next = button("›", "next page", 1);
  const field = el("label", {}, "page ", input);
  const node = el("nav.pager", { "aria-label": "Pages" }, range, previous, field, total, next);
  return {
    node,
    /**
     * @param {number} shown position of the page
     * @param {number} pages how many there are
     * @param {number} first position of the first image of the page
     * @param {number} end position after its last image
     * @param {number} size images of all pages
     */
    update(shown, pages, first, end, size) {
      page = shown;
      setText(range, size ? `${count(first + 1)}–${count(end)} of ${count(size)}` : "");
      setNumber(input, page + 1);
      input.max = String(pages);
      setText(total, `of ${pages}`);
      enable(previous, page > 0);
      enable(next, page < pages - 1);
      node.hidden = !size;
    },
  };
}
