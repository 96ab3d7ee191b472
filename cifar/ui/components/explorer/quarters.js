/** A table of two by two numbers of images, each of which can be picked. */

import { el, setAria, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { count, images as imagesInWords } from "../shared/words.js";

/**
 * @param {string} label of the whole
 * @param {Array<{title: string, kind?: string}>} cells by row, then by column
 * @param {(at: number) => void} pick
 */
export function createQuarters(label, cells, pick) {
  const buttons = cells.map(({ title, kind }, at) => {
    const [number, words] = [el("b"), el("small")];
    const node = el(
      kind ? `button.quarter.${kind}` : "button.quarter",
      { onclick: () => pick(at) },
      el("span", {}, title),
      number,
      words,
    );
    return { node, number, words };
  });
  const columns = [el("span"), el("span")];
  const rows = [el("span"), el("span")];
  const at = (/** @type {number} */ k) => buttons[k].node;
  const node = el(
    "div.quarters",
    { role: "group", "aria-label": label },
    el("span"),
    columns,
    [rows[0], at(0), at(1)],
    [rows[1], at(2), at(3)],
  );
  return {
    node,
    /** @param {boolean} on */
    enable(on) {
      for (const button of buttons) button.node.disabled = !on;
    },
    /** @param {{rows: string[], columns: string[]}} heads */
    head(heads) {
      for (const k of [0, 1]) {
        setText(rows[k], heads.rows[k]);
        setText(columns[k], heads.columns[k]);
      }
    },
    /** @param {ArrayLike<number>} counts @param {string[]} meanings a text for each cell */
    fill(counts, meanings) {
      buttons.forEach(({ node: button, number, words }, k) => {
        setText(number, count(counts[k]));
        setText(words, meanings[k]);
        button.setAttribute(
          "aria-label",
          t("{title}: {images}, {meaning}", {
            title: cells[k].title,
            images: imagesInWords(counts[k]),
            meaning: meanings[k],
          }),
        );
      });
    },
    /** @param {number} picked place of the cell that is shown, or -1 */
    press(picked) {
      buttons.forEach((button, k) => setAria(button.node, "pressed", k === picked));
    },
  };
}
