/** Heat maps sampled for drawing, and the contrast of two of them. */

import { drawContrast, drawHeat, peak, sample } from "../shared/heat.js";

/**
 * @typedef {object} Layer
 * @property {Float32Array} values of `sample`
 * @property {number} top end of its scale
 * @property {boolean} empty whether all values are 0
 * @property {boolean} contrast whether it sets one class against another
 */

/**
 * Sample heat maps on one scale, and two of them also as a contrast with its own scale.
 * @param {import('../shared/heat.js').HeatMap[]} maps
 * @param {boolean} smooth
 * @param {boolean} contrasted
 * @returns {Layer[]} one for each map, then the contrast
 */
export function layersOf(maps, smooth, contrasted) {
  const top = peak(maps);
  const layers = maps.map((map) => ({
    values: sample(map, top, smooth),
    top,
    empty: peak([map]) <= 0,
    contrast: false,
  }));
  if (contrasted) layers.push(contrastOf(maps[0], maps[1], smooth));
  return layers;
}

/** @returns {Layer} */
function contrastOf(a, b, smooth) {
  const values = Array.from(a.values, (value, k) => value - b.values[k]);
  const top = Math.max(...values.map(Math.abs));
  const sampled = sample({ ...a, values }, top, smooth);
  return { values: sampled, top, empty: top <= 0, contrast: true };
}

/**
 * Draw a layer over an image. An empty layer shows the image alone: no color would add anything.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement} image 32x32
 * @param {Layer} layer
 * @param {number} strength 0 to 1
 * @param {{sequential: Uint8Array, diverging: Uint8Array}} tables of colors
 */
export function drawLayer(canvas, image, { values, empty, contrast }, strength, tables) {
  const shown = empty ? null : values;
  if (contrast) drawContrast(canvas, image, shown, strength, tables.diverging);
  else drawHeat(canvas, image, shown, strength, tables.sequential);
}
