/**
 * Scale pictures down to the very pixels that Pillow gives in `cifar/data/pictures.py`: first the
 * means of whole blocks down to three times the size, then bilinear, both in whole numbers as it has them
 * (https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.Image.resize).
 */

/**
 * @typedef {object} Rgb
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} data three bytes a pixel, row by row
 */

/** @typedef {[number, number, number, number]} Box left, top, right, bottom in pixels, or parts of one */

/** Blocks are averaged until the picture is at most so many times larger than wanted. */
const GAP = 3;
/** How far the bilinear filter reaches, in pixels of the result. */
const REACH = 1;
/** Weights are whole multiples of this. */
const UNIT = 2 ** -22;

/**
 * Scale a part of a picture to another size.
 * @param {Rgb} picture
 * @param {number} width
 * @param {number} height
 * @param {Box} [box] all of it unless given
 * @returns {Rgb}
 */
export function resized(picture, width, height, box = [0, 0, picture.width, picture.height]) {
  const [left, top, right, bottom] = box;
  const across = (right - left) / width;
  const down = (bottom - top) / height;
  const steps = [across, down].map((scale) => Math.max(1, Math.floor(scale / GAP)));
  let from = picture;
  let [west, north, east, south] = box;
  if (steps[0] > 1 || steps[1] > 1) {
    // What the filter reaches beyond the box belongs to it.
    const [x, y] = [across, down].map((scale) => (REACH - 0.5) * scale);
    /** @type {Box} */
    const near = [
      Math.max(0, Math.trunc(left - x)),
      Math.max(0, Math.trunc(top - y)),
      Math.min(picture.width, Math.ceil(right + x)),
      Math.min(picture.height, Math.ceil(bottom + y)),
    ];
    from = averaged(picture, steps, near);
    [west, east] = [left, right].map((at) => (at - near[0]) / steps[0]);
    [north, south] = [top, bottom].map((at) => (at - near[1]) / steps[1]);
  }
  const rows = filtered(from.data, from.width, from.height, west, east, width, 3);
  // Columns are rows of a picture whose pixels are whole rows of this one.
  const data = filtered(rows, from.height, 1, north, south, height, 3 * width);
  return { width, height, data };
}

/**
 * Average blocks of pixels; blocks at the right and lower edge may be smaller.
 * @param {Rgb} picture
 * @param {number[]} steps pixels of a block across and down
 * @param {Box} box of whole pixels
 * @returns {Rgb}
 */
function averaged(picture, [across, down], [left, top, right, bottom]) {
  const width = Math.ceil((right - left) / across);
  const height = Math.ceil((bottom - top) / down);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const first = top + y * down;
    const last = Math.min(bottom, first + down);
    for (let x = 0; x < width; x++) {
      const west = left + x * across;
      const east = Math.min(right, west + across);
      const count = (east - west) * (last - first);
      const sums = [0, 0, 0];
      for (let row = first; row < last; row++) {
        for (let at = 3 * (row * picture.width + west), n = east - west; n > 0; n--, at += 3) {
          sums[0] += picture.data[at];
          sums[1] += picture.data[at + 1];
          sums[2] += picture.data[at + 2];
        }
      }
      // Pillow multiplies by the share of one, cut off to 24 bits, instead of dividing.
      const share = Math.floor(Math.fround(2 ** 24 / count));
      for (let c = 0; c < 3; c++)
        data[3 * (y * width + x) + c] = ((sums[c] + (count >> 1)) * share) / 2 ** 24;
    }
  }
  return { width, height, data };
}

/**
 * Bring every row of a picture from a part of its length to another length.
 * @param {Uint8Array} data
 * @param {number} length pixels of a row
 * @param {number} rows
 * @param {number} from where the part begins, in pixels
 * @param {number} to where it ends
 * @param {number} wanted pixels
 * @param {number} deep bytes of a pixel
 */
function filtered(data, length, rows, from, to, wanted, deep) {
  const out = new Uint8ClampedArray(rows * wanted * deep);
  const all = weights(length, from, to, wanted);
  for (let row = 0; row < rows; row++) {
    const start = row * length * deep;
    for (let x = 0; x < wanted; x++) {
      const { first, shares } = all[x];
      for (let c = 0; c < deep; c++) {
        let sum = 0;
        for (let k = 0, at = start + first * deep + c; k < shares.length; k++, at += deep)
          sum += shares[k] * data[at];
        out[(row * wanted + x) * deep + c] = Math.floor(sum * UNIT + 0.5);
      }
    }
  }
  return new Uint8Array(out.buffer);
}

/**
 * Return the pixels that each of the wanted ones is made of, and their weights in UNITs.
 * @param {number} length
 * @param {number} from
 * @param {number} to
 * @param {number} wanted
 * @returns {Array<{first: number, shares: number[]}>}
 */
function weights(length, from, to, wanted) {
  // Pillow keeps the box as float32, and multiplies by reciprocals.
  const start = Math.fround(from);
  const scale = Math.fround(Math.fround(to) - start) / wanted;
  const wide = Math.max(1, scale);
  const narrow = 1 / wide;
  return Array.from({ length: wanted }, (_, x) => {
    const center = start + (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - REACH * wide + 0.5));
    const end = Math.min(length, Math.trunc(center + REACH * wide + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) =>
      triangle((first + k - center + 0.5) * narrow),
    );
    const share = 1 / raw.reduce((sum, value) => sum + value, 0);
    return { first, shares: raw.map((value) => roundedAway((value * share) / UNIT)) };
  });
}

/** @param {number} x */
const triangle = (x) => Math.max(0, 1 - Math.abs(x));
/** @param {number} value */
const roundedAway = (value) => Math.trunc(value + Math.sign(value) * 0.5);
