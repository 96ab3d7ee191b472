/** A thumbnail of the gallery. It is made once and then shows one image after another. */

import { el, setText } from "../shared/dom.js";
import { caption } from "./captions.js";
import { recordOf } from "./record.js";

/** Screen pixels for each of an image's. */
const SCALE = 3;

/** @param {() => ReturnType<typeof import('./sheets.js').createSheets>} sheets */
export function createTile(sheets) {
  const picture = el("span.pixels");
  const dot = el("i.dot", { "aria-hidden": "true" });
  const number = el("b");
  const words = el("span");
  const label = el("span.caption", {}, number, words);
  const node = el("button.tile", { hidden: true }, picture, dot, label);
  return {
    node,
    /**
     * Show an image. The button carries its test index, so that a click picks the image that the
     * visitor sees.
     * @param {import('./explorer.js').State} state
     * @param {number|undefined} index undefined hides the tile
     */
    show(state, index) {
      node.hidden = index === undefined;
      if (node.hidden) return;
      const text = caption(state, index);
      const { verdict } = recordOf(state, index);
      const cut = text.indexOf(" ");
      node.dataset.index = String(index);
      node.setAttribute("aria-pressed", String(index === state.shown));
      node.setAttribute("aria-label", verdict ? `${text}, ${verdict.title}` : text);
      setText(number, text.slice(0, cut));
      setText(words, text.slice(cut));
      sheets().paint(picture, index, SCALE);
      dot.hidden = !verdict;
      dot.dataset.verdict = String(verdict?.at ?? -1);
      dot.title = verdict?.title ?? "";
    },
  };
}
