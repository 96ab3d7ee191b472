/** Heat maps sampled for drawing, and the contrast of two of them. */

import { peak, sample } from "../shared/heat.js";

/**
 * Values of `sample`, the end of their scale, and whether they set one class against another.
 * @typedef {{values: Float32Array, top: number, empty: boolean, contrast: boolean}} Layer
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
