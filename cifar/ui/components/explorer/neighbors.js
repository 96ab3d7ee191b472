/** The images nearest to the one that is shown: training images, and a correct test image. */

import { markOf } from "../shared/bars.js";
import { el, fill, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { caption } from "./captions.js";
import { createSheets } from "./sheets.js";

/** Screen pixels for each of an image's. */
const SCALE = 2;
/** The row of an image without training images on record. */
const NO_ROW = 65535;

/**
 * Open the sheets of images near a model's mistakes, a row each, by the name of the model.
 * @param {((model: string, k: number) => Promise<string>)|undefined} address
 * @param {() => void} arrived
 */
export function createNeighborSheets(address, arrived) {
  /** @type {Map<string, import('./sheets.js').Sheets>} */
  const sheets = new Map();
  return {
    /**
     * Paint the image at a place of a mistake's row. Returns whether it is on the sheets.
     * @param {HTMLElement} node
     * @param {import('./pack.js').Pack} model
     * @param {number} index test index of the mistake
     * @param {number} k place in the row; the nearest correct test image comes last
     */
    paint(node, model, index, k) {
      const { name, neighbors } = model.header;
      const width = neighbors ? neighbors.columns + (neighbors.right ? 1 : 0) : 0;
      const row = model.columns.neighbor_row?.[index] ?? NO_ROW;
      if (k >= width || row === NO_ROW) return false;
      if (!sheets.has(name)) {
        const layout = { per_sheet: neighbors.per_sheet * width, columns: width };
        sheets.set(
          name,
          createSheets(
            (number) => address(name, number),
            layout,
            (place) => place,
            arrived,
          ),
        );
      }
      sheets.get(name).paint(node, row * width + k, SCALE);
      return true;
    },
  };
}

/** @typedef {ReturnType<typeof createNeighborSheets>} NeighborSheets */

/**
 * Make the row of the training images nearest to a mistake, with their labels. It is hidden for
 * correct predictions.
 * @param {string[]} classes
 * @param {NeighborSheets} sheets
 */
export function createTrainingNeighbors(classes, sheets) {
  const row = el("div.neighbours");
  const node = el("section", { hidden: true }, el("h3", {}, t("Nearest training images")), row);
  /** @type {import('./pack.js').Pack} */
  let model = null;
  let mistake = -1;
  let pictures = [];

  return {
    node,
    paint() {
      if (node.hidden) return;
      pictures.forEach((picture, k) => sheets.paint(picture, model, mistake, k));
    },
    /**
     * @param {import('./pack.js').Pack} shownModel
     * @param {import('./record.js').ImageRecord} record
     */
    show(shownModel, { index, label, predicted }) {
      [model, mistake] = [shownModel, index];
      const { neighbors } = model.header;
      const { neighbor_row: rows, neighbors: nearest, neighbor_labels: labels } = model.columns;
      node.hidden = !neighbors || rows[index] === NO_ROW;
      if (node.hidden) return;
      const { columns } = neighbors;
      pictures = Array.from({ length: columns }, () => el("span.pixels"));
      fill(
        row,
        pictures.map((picture, k) => {
          const at = index * columns + k;
          const mark = markOf(labels[at], label, predicted);
          const name = el(mark ? `b.${mark}` : "span", {}, classes[labels[at]]);
          const title = t("training image {index}", { index: String(nearest[at]) });
          return el("figure", { title }, picture, el("figcaption", {}, name));
        }),
      );
    },
  };
}

/**
 * Make the button of the test image nearest to a mistake that the model gets right. It is hidden
 * for correct predictions.
 * @param {Pick<import('./explorer.js').Actions, 'pick'|'sheets'>} actions
 * @param {NeighborSheets} near
 */
export function createCorrectNeighbor({ pick, sheets }, near) {
  let neighbor = -1;
  let shown = -1;
  /** @type {import('./pack.js').Pack} */
  let model = null;
  const picture = el("span.pixels");
  const words = el("span");
  const button = el("button.alike", { onclick: () => pick(neighbor) }, picture, words);
  const node = el("section", {}, el("h3", {}, t("Nearest image that it gets right")), button);
  return {
    node,
    paint() {
      if (node.hidden) return;
      // A sheet of test images has a megabyte: it is fetched only if nothing smaller is on record.
      const last = model.header.neighbors?.right ? model.header.neighbors.columns : Infinity;
      if (!near.paint(picture, model, shown, last)) sheets().paint(picture, neighbor, SCALE);
    },
    /** @param {import('./select.js').Data} data @param {import('./record.js').ImageRecord} record */
    show(data, { index, label, predicted }) {
      const { nearest_right: nearest } = data.model.columns;
      [model, shown] = [data.model, index];
      node.hidden = !nearest || label === predicted;
      if (node.hidden) return;
      neighbor = nearest[index];
      button.dataset.index = String(neighbor);
      setText(words, caption(data, neighbor));
    },
  };
}
