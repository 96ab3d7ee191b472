/** The training image that is nearly the same as the one that is shown. */

import { el, setText } from "../shared/dom.js";
import { SPACE, plural, t } from "../shared/language.js";
import { createSheets } from "./sheets.js";

/** No near-duplicate is known. */
const NONE = 65535;
/** Screen pixels for each of an image's. */
const SCALE = 2;

/**
 * @param {import('./pack.js').ImagesPack} images
 * @param {(k: number) => Promise<string>} address of a sheet
 * @param {() => void} arrived
 */
export function createTwin({ header, count, columns }, address, arrived) {
  const { sheet, columns: width } = header.twins;
  const picture = el("span.pixels");
  const caption = el("figcaption");
  const words = el("p.quiet");
  const node = el(
    "section.twin",
    { hidden: true },
    el("h3", {}, t("Nearly the same in training")),
    el("div.pictured", {}, el("figure", {}, picture, caption)),
    words,
  );
  /** Places on the sheet. @type {Map<number, number>} */
  const places = new Map();
  for (let i = 0; i < count; i++) if (columns.twin[i] !== NONE) places.set(i, places.size);
  const sheets = createSheets(
    () => address(sheet),
    { per_sheet: places.size, columns: width },
    (index) => places.get(index),
    arrived,
  );
  let shown = -1;

  return {
    node,
    paint() {
      if (!node.hidden) sheets.paint(picture, shown, SCALE);
    },
    /** @param {import('./record.js').ImageRecord} record */
    show({ index }) {
      shown = index;
      node.hidden = !places.has(index);
      if (node.hidden) return;
      setText(caption, header.classes[columns.twin_label[index]]);
      const values = { index: String(columns.twin[index]) };
      const [dy, dx] = columns.twin_shift.subarray(2 * index, 2 * index + 2);
      const far = Math.max(Math.abs(dy), Math.abs(dx));
      const likeness = far
        ? plural(
            far,
            "Training image #{index} is nearly the same, shifted by {n} pixel.",
            "Training image #{index} is nearly the same, shifted by {n} pixels.",
            values,
          )
        : t("Training image #{index} is nearly the same.", values);
      const held = t("The networks here did not learn from it.");
      const learned = t("The networks here learned from it, so the answer says little.");
      setText(words, [likeness, columns.twin_held_out[index] ? held : learned].join(SPACE));
    },
  };
}
