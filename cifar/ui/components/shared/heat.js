/** Draw heat maps from their raw values over the image that they are about. */

/** Pixels along the side of an image. */
export const SIDE = 32;

/** Pixels along the side of a drawn heat map: seven for each of the image's. */
export const DRAWN = 7 * SIDE;

/**
 * @typedef {object} HeatMap
 * @property {number} target class that it is evidence for
 * @property {number} height
 * @property {number} width
 * @property {number[]} values evidence, 0 or more, row-major
 */

/** Return the highest value of all maps, where their one scale ends. @param {HeatMap[]} maps */
export const peak = (maps) => Math.max(0, ...maps.map(({ values }) => Math.max(...values)));

/** @param {string[]} colours '#rrggbb', dark to bright @returns {Uint8Array} rgb, interleaved */
export function colourTable(colours) {
  return Uint8Array.from(
    colours.flatMap((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16))),
  );
}

/**
 * Sample a map at every pixel of a square, as shares of the scale.
 * @param {Pick<HeatMap, 'height'|'width'|'values'>} map
 * @param {number} top end of the scale: no value lies further from 0
 * @param {boolean} smooth between the map's cells (bilinear), or the cells as they are
 * @param {number} [side]
 * @returns {Float32Array} (side, side), 0 to 1, or -1 to 1 where there are values below 0
 */
export function sample({ values, height, width }, top, smooth, side = DRAWN) {
  const out = new Float32Array(side * side);
  if (top <= 0) return out;
  /** @param {number} k @param {number} n */
  const clamp = (k, n) => Math.min(n - 1, Math.max(0, k));
  for (let y = 0; y < side; y++) {
    // Centres of pixels lie on centres of cells, as in torch's interpolate(align_corners=False).
    const v = ((y + 0.5) * height) / side - 0.5;
    const y0 = Math.floor(v);
    for (let x = 0; x < side; x++) {
      const u = ((x + 0.5) * width) / side - 0.5;
      const x0 = Math.floor(u);
      let value;
      if (smooth) {
        const above = clamp(y0, height) * width;
        const below = clamp(y0 + 1, height) * width;
        const west = clamp(x0, width);
        const east = clamp(x0 + 1, width);
        const [s, t] = [u - x0, v - y0];
        value =
          (1 - t) * ((1 - s) * values[above + west] + s * values[above + east]) +
          t * ((1 - s) * values[below + west] + s * values[below + east]);
      } else {
        value = values[clamp(Math.round(v), height) * width + clamp(Math.round(u), width)];
      }
      out[y * side + x] = Math.min(1, value / top);
    }
  }
  return out;
}

/**
 * Return how much of the map covers the image where it has this value: nothing at strength 0, all
 * at strength 1, and in between more where there is more evidence, so that the image shows through
 * where there is none.
 * @param {number} value 0 to 1
 * @param {number} strength 0 to 1
 */
export const cover = (value, strength) => (strength <= 0 ? 0 : strength ** (4 - 3.6 * value));

/**
 * Draw the evidence for one class.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement} image 32x32, which stays as it is
 * @param {Float32Array|null} values of `sample`, 0 to 1; null draws the image alone
 * @param {number} strength 0 (the image untouched) to 1 (the map alone)
 * @param {Uint8Array} table of `colourTable`, from no evidence to the most
 */
export function drawHeat(canvas, image, values, strength, table) {
  const last = table.length / 3 - 1;
  const covers = Float32Array.from({ length: last + 1 }, (_, at) => cover(at / last, strength));
  lay(canvas, image, strength > 0 ? values : null, table, covers, last, 0);
}

/**
 * Draw the evidence for one class rather than another.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement} image 32x32, which stays as it is
 * @param {Float32Array|null} values of `sample`, -1 to 1; null draws the image alone
 * @param {number} strength 0 (the image untouched) to 1 (the map alone)
 * @param {Uint8Array} table of `colourTable`, from the one class over neither to the other
 */
export function drawContrast(canvas, image, values, strength, table) {
  const half = (table.length / 3 - 1) / 2;
  const covers = Float32Array.from({ length: 2 * half + 1 }, (_, at) =>
    cover(Math.abs(at - half) / half, strength),
  );
  lay(canvas, image, strength > 0 ? values : null, table, covers, half, half);
}

/**
 * Lay a colour of the table over each pixel: that of value v is at `times * v + from`, and covers
 * the image by as much as `covers` has there.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement} image
 * @param {Float32Array|null} values
 * @param {Uint8Array} table
 * @param {Float32Array} covers
 * @param {number} times
 * @param {number} from
 */
function lay(canvas, image, values, table, covers, times, from) {
  // To set a size, even the same again, makes a canvas anew.
  if (canvas.width !== DRAWN || canvas.height !== DRAWN) canvas.width = canvas.height = DRAWN;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const below = enlarged(image);
  if (!values) {
    context.putImageData(below, 0, 0);
    return;
  }
  const picture = context.createImageData(DRAWN, DRAWN);
  const { data } = picture;
  const under = below.data;
  for (let k = 0, p = 0; k < values.length; k++, p += 4) {
    const at = Math.round(values[k] * times + from);
    const alpha = covers[at];
    const keep = 1 - alpha;
    data[p] = keep * under[p] + alpha * table[3 * at];
    data[p + 1] = keep * under[p + 1] + alpha * table[3 * at + 1];
    data[p + 2] = keep * under[p + 2] + alpha * table[3 * at + 2];
    data[p + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/**
 * Images at the size that they are drawn at, so that a slider only mixes.
 * @type {WeakMap<HTMLCanvasElement, ImageData>}
 */
const large = new WeakMap();

/** Enlarge each pixel to a square. @param {HTMLCanvasElement} image */
function enlarged(image) {
  let found = large.get(image);
  if (!found) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = DRAWN;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingEnabled = false;
    context.drawImage(image, 0, 0, DRAWN, DRAWN);
    found = context.getImageData(0, 0, DRAWN, DRAWN);
    large.set(image, found);
  }
  return found;
}
