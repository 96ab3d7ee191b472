/** The images nearest to the one that is shown: training images, and a correct test image. */

import { markOf } from "../shared/bars.js";
import { el, fill, setText } from "../shared/dom.js";
import { caption } from "./captions.js";
import { createSheets } from "./sheets.js";

/** Screen pixels for each of an image's. */
const SCALE = 2;
/** The row of an image without training images on record. */
const NO_ROW = 65535;

/**
 * Make the row of the training images nearest to a mistake, with their labels. It is hidden for
 * correct predictions.
 * @param {string[]} classes
 * @param {(model: string, k: number) => Promise<string>} [sheetAddress]
 */
export function createTrainingNeighbors(classes, sheetAddress) {
  const row = el("div.neighbours");
  const node = el("section", { hidden: true }, el("h3", {}, "Nearest training images"), row);
  /** Sheets of training images, by the name of the model. */
  const sheets = new Map();
  let model = null;
  let pictures = [];
  /** The place of the first picture on the model's sheets. */
  let first = 0;

  function sheetsOf({ name, neighbors: { per_sheet: rows, columns } }) {
    if (!sheets.has(name)) {
      const layout = { per_sheet: rows * columns, columns };
      const address = (k) => sheetAddress(name, k);
      const created = createSheets(address, layout, (place) => place, paint);
      sheets.set(name, created);
    }
    return sheets.get(name);
  }

  function paint() {
    if (node.hidden) return;
    pictures.forEach((picture, k) => sheetsOf(model.header).paint(picture, first + k, SCALE));
  }

  return {
    node,
    paint,
    /**
     * @param {import('./pack.js').Pack} shownModel
     * @param {import('./record.js').ImageRecord} record
     */
    show(shownModel, { index, label, predicted }) {
      model = shownModel;
      const { neighbors } = model.header;
      const { neighbor_row: rows, neighbors: nearest, neighbor_labels: labels } = model.columns;
      node.hidden = !neighbors || rows[index] === NO_ROW;
      if (node.hidden) return;
      const { columns } = neighbors;
      first = rows[index] * columns;
      pictures = Array.from({ length: columns }, () => el("span.pixels"));
      fill(
        row,
        pictures.map((picture, k) => {
          const at = index * columns + k;
          const mark = markOf(labels[at], label, predicted);
          const name = el(mark ? `b.${mark}` : "span", {}, classes[labels[at]]);
          const title = `training image ${nearest[at]}`;
          return el("figure", { title }, picture, el("figcaption", {}, name));
        }),
      );
    },
  };
}

/**
 * Make the button of the nearest test image that the model gets right.
 * @param {Pick<import('./explorer.js').Actions, 'pick'|'sheets'>} actions
 */
export function createCorrectNeighbor({ pick, sheets }) {
  let neighbor = -1;
  const picture = el("span.pixels");
  const words = el("span");
  const button = el("button.alike", { onclick: () => pick(neighbor) }, picture, words);
  const node = el("section", {}, el("h3", {}, "Nearest image that it gets right"), button);
  return {
    node,
    paint() {
      if (!node.hidden) sheets().paint(picture, neighbor, SCALE);
    },
    /** @param {import('./select.js').Data} data @param {number} index of the image that is shown */
    show(data, index) {
      const { nearest_right: nearest } = data.model.columns;
      node.hidden = !nearest;
      if (node.hidden) return;
      neighbor = nearest[index];
      button.dataset.index = String(neighbor);
      setText(words, caption(data, neighbor));
    },
  };
}
