/** The image and the words beside the point under the pointer. */

import { el, setText } from "../shared/dom.js";
import { caption } from "./captions.js";

/** Pixels between the point and the tip, and the room that a tip needs below its upper edge. */
const GAP = 12;
const HEIGHT = 80;

/** @param {() => ReturnType<typeof import('./sheets.js').createSheets>} sheets */
export function createTip(sheets) {
  const picture = el("span.pixels");
  const words = el("span");
  const node = el("div.tip", { hidden: true, "aria-hidden": "true" }, picture, words);
  return {
    node,
    hide() {
      node.hidden = true;
    },
    /**
     * @param {import('./select.js').Data} data
     * @param {number} index
     * @param {[number, number]} point in pixels
     * @param {number} side pixels along the plot's side
     */
    show(data, index, [x, y], side) {
      node.hidden = false;
      sheets().paint(picture, index, 2);
      setText(words, caption(data, index));
      const flip = x > side / 2;
      node.style.left = flip ? "auto" : `${x + GAP}px`;
      node.style.right = flip ? `${side - x + GAP}px` : "auto";
      node.style.top = `${Math.min(Math.max(0, y - 20), side - HEIGHT)}px`;
    },
  };
}
