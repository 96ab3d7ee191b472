/**
 * The test images, 500 to a sprite sheet, fetched when the first image of a sheet is shown.
 * While the server still fetches them itself, a grey tile stands for each image.
 */

import { setStyle } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";

const POLL_MS = 3000;

/**
 * @param {any} adapter
 * @param {import('./pack.js').Pack} images
 * @param {(message: string) => void} changed called with '' when a sheet has come or those that did
 *   not are asked for again, and with the reason while they are awaited
 */
export function createSheets(adapter, images, changed) {
  const { per_sheet: perSheet, columns } = images.header.sheets;
  const { position } = images.columns;
  /** @type {Map<number, {promise: Promise<HTMLImageElement>, picture: HTMLImageElement|null}>} */
  const sheets = new Map();
  let timer = 0;
  let stopped = false;

  const place = (index) => ({
    sheet: Math.floor(position[index] / perSheet),
    column: (position[index] % perSheet) % columns,
    row: Math.floor((position[index] % perSheet) / columns),
  });

  function fetchSheet(k) {
    let entry = sheets.get(k);
    if (entry) return entry;
    entry = { picture: null, promise: null };
    sheets.set(k, entry);
    entry.promise = adapter.sheet(k).then(load);
    entry.promise.then(
      (picture) => {
        entry.picture = picture;
        changed("");
      },
      (error) => wait(error.message),
    );
    return entry;
  }

  /** Ask again every few seconds until the images are there; those that did not come, anew. */
  function wait(message) {
    changed(message);
    if (timer || stopped) return;
    timer = setTimeout(async () => {
      timer = 0;
      const ready = adapter.imagesReady?.() ?? Promise.resolve({ ready: true });
      const state = await ready.catch((error) => ({ message: error.message }));
      if (stopped) return;
      if (!state.ready) return wait(state.message);
      for (const [k, entry] of sheets) if (!entry.picture) sheets.delete(k);
      changed("");
    }, POLL_MS);
  }

  return {
    /**
     * Show an image as the background of an element.
     * @param {HTMLElement} node
     * @param {number} index
     * @param {number} scale screen pixels for one of the image's; whole, so that none is blurred
     * @returns {boolean} whether it can be seen already
     */
    paint(node, index, scale) {
      const { sheet, column, row } = place(index);
      const { picture } = fetchSheet(sheet);
      const side = SIDE * scale;
      setStyle(node, {
        "background-image": picture ? `url("${picture.src}")` : "none",
        "background-size": `${columns * side}px auto`,
        "background-position": `${-column * side}px ${-row * side}px`,
      });
      return picture !== null;
    },

    /**
     * An image as a 32x32 canvas. Rejects while the images are awaited.
     * @param {number} index
     * @returns {Promise<HTMLCanvasElement>}
     */
    async canvas(index) {
      const { sheet, column, row } = place(index);
      const picture = await fetchSheet(sheet).promise;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = SIDE;
      canvas
        .getContext("2d")
        .drawImage(picture, column * SIDE, row * SIDE, SIDE, SIDE, 0, 0, SIDE, SIDE);
      return canvas;
    },

    destroy() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Decoded before it is shown, so that tiles never flash empty. The element's `src` is an absolute
 * address in which no quote is left, whatever the adapter gave.
 * @param {string} url
 * @returns {Promise<HTMLImageElement>}
 */
function load(url) {
  const picture = new Image();
  picture.src = url;
  return picture.decode().then(
    () => picture,
    () => {
      throw new Error("Thumbnails could not be fetched; they are asked for again.");
    },
  );
}
