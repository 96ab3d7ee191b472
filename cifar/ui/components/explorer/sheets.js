/** Show images of sprite sheets, which are fetched when the first image of a sheet is shown. */

import { setStyle } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { t } from "../shared/language.js";

/**
 * @typedef {object} Sheets
 * @property {(node: HTMLElement, index: number, scale: number) => void} paint show an image as the
 *   background of an element; scale: screen pixels for one of the image's, whole, so that none is
 *   blurred
 * @property {(index: number) => Promise<HTMLCanvasElement>} canvas an image as a 32x32 canvas;
 *   rejects if its sheet does not come
 */

/**
 * @param {(k: number) => Promise<string>} address of a sheet
 * @param {import('./pack.js').SheetLayout} layout
 * @param {(index: number) => number} place of an image among those on all sheets
 * @param {() => void} arrived called when a sheet has come
 * @returns {Sheets}
 */
export function createSheets(address, { per_sheet: perSheet, columns }, place, arrived) {
  /** @type {Map<number, {promise: Promise<HTMLImageElement>, picture: HTMLImageElement|null}>} */
  const sheets = new Map();

  /** @param {number} index */
  const placeOf = (index) => {
    const at = place(index);
    const on = at % perSheet;
    return {
      sheet: Math.floor(at / perSheet),
      column: on % columns,
      row: Math.floor(on / columns),
    };
  };

  /** Fetch a sheet once; after a failure, it is fetched anew the next time. @param {number} k */
  function fetchSheet(k) {
    let entry = sheets.get(k);
    if (entry) return entry;
    entry = { picture: null, promise: address(k).then(load) };
    sheets.set(k, entry);
    entry.promise.then(
      (picture) => {
        entry.picture = picture;
        arrived();
      },
      () => sheets.delete(k),
    );
    return entry;
  }

  return {
    paint(node, index, scale) {
      const { sheet, column, row } = placeOf(index);
      const { picture } = fetchSheet(sheet);
      const side = SIDE * scale;
      setStyle(node, {
        "background-image": picture ? `url("${picture.src}")` : "none",
        "background-size": `${columns * side}px auto`,
        "background-position": `${-column * side}px ${-row * side}px`,
      });
    },

    async canvas(index) {
      const { sheet, column, row } = placeOf(index);
      const picture = await fetchSheet(sheet).promise;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = SIDE;
      canvas
        .getContext("2d")
        .drawImage(picture, column * SIDE, row * SIDE, SIDE, SIDE, 0, 0, SIDE, SIDE);
      return canvas;
    },
  };
}

/**
 * Give the sheets of all test images.
 * @param {(k: number) => Promise<string>} address
 * @param {import('./pack.js').ImagesPack} images
 * @param {() => void} arrived
 */
export const createTestSheets = (address, images, arrived) =>
  createSheets(address, images.header.sheets, (index) => images.columns.position[index], arrived);

/**
 * Decode a picture before it is shown, so that tiles never flash empty. The element's `src` is an
 * absolute address in which no quote is left, whatever the adapter gave.
 * @param {string} url
 * @returns {Promise<HTMLImageElement>}
 */
function load(url) {
  const picture = new Image();
  picture.src = url;
  return picture.decode().then(
    () => picture,
    () => {
      throw new Error(t("A thumbnail did not arrive: look at your connection."));
    },
  );
}
