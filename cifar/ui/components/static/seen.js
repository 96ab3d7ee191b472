/** Decode a picture, and cut out of it the 32x32 pixels that the network sees. */

import { SIDE } from "../shared/heat.js";
import { orientationOf, upright } from "./orientation.js";
import { resized } from "./resample.js";

/** Rows that are read at once: some browsers have no canvas for a large photograph. */
const STRIP = 512;

/**
 * Decode a picture file to RGB: upright, its first frame, on white, its colours as in the file.
 * @param {Blob} file
 * @param {number} most pixels
 * @returns {Promise<import('./resample.js').Rgb>}
 */
export async function opened(file, most) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error("The file is not a picture that this browser can read: try a PNG or JPEG.");
  });
  const { width, height } = bitmap;
  try {
    if (width * height > most)
      throw new Error(
        `The picture has ${width}x${height} pixels: choose one of at most ${most / 1e6} megapixels.`,
      );
    const head = new Uint8Array(await file.arrayBuffer());
    return upright({ width, height, data: rgb(bitmap) }, orientationOf(head));
  } finally {
    bitmap.close();
  }
}

/** Read the pixels. @param {ImageBitmap} bitmap @returns {Uint8Array} three bytes a pixel */
function rgb(bitmap) {
  const { width, height } = bitmap;
  const out = new Uint8Array(3 * width * height);
  const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0, to = 0; top < height; top += STRIP) {
    context.fillStyle = "white";
    context.fillRect(0, 0, width, canvas.height);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, width, Math.min(STRIP, height - top));
    to = withoutAlpha(data, out, to);
  }
  return out;
}

/**
 * Copy pixels of four bytes to those of three.
 * @param {Uint8ClampedArray} data
 * @param {Uint8Array} out
 * @param {number} [to] where the copy begins
 * @returns {number} where it ends
 */
export function withoutAlpha(data, out, to = 0) {
  for (let at = 0; at < data.length; at += 4, to += 3) {
    out[to] = data[at];
    out[to + 1] = data[at + 1];
    out[to + 2] = data[at + 2];
  }
  return to;
}

/**
 * What is asked of a picture file: how it becomes square, or the part to be cut out instead.
 * @typedef {object} Question
 * @property {File} file
 * @property {import('../classify/picture.js').Fit} fit
 * @property {import('../classify/box.js').Shares|null} box
 */

/**
 * Return what the network sees of a picture, as `network_view` in `cifar/images.py` has it.
 * @param {import('./resample.js').Rgb} picture
 * @param {import('../classify/picture.js').Fit} fit the central square, the whole picture on its
 *   mean colour, or the whole picture out of proportion
 * @param {import('../classify/box.js').Shares|null} [box] it takes the place of `fit`
 * @returns {Uint8Array} 3072 bytes
 */
export function networkView(picture, fit, box = null) {
  const { width, height } = picture;
  if (box) {
    const [left, top, right, bottom] = box;
    const [west, north, east, south] = [left * width, top * height, right * width, bottom * height];
    return resized(picture, SIDE, SIDE, [west, north, east, south]).data;
  }
  if (fit === "stretch") return resized(picture, SIDE, SIDE).data;
  if (fit === "crop") {
    const side = Math.min(width, height);
    const [left, top] = [(width - side) / 2, (height - side) / 2];
    return resized(picture, SIDE, SIDE, [left, top, left + side, top + side]).data;
  }
  const shrink = SIDE / Math.max(width, height);
  const inner = resized(
    picture,
    Math.max(1, roundedToEven(width * shrink)),
    Math.max(1, roundedToEven(height * shrink)),
  );
  return onMean(inner);
}

/**
 * Put a picture in the middle of a square of its own mean colour.
 * @param {import('./resample.js').Rgb} picture
 */
function onMean({ width, height, data }) {
  const out = new Uint8Array(3 * SIDE * SIDE);
  const count = width * height;
  const mean = [0, 1, 2].map((c) => {
    let sum = 0;
    for (let at = c; at < data.length; at += 3) sum += data[at];
    return roundedToEven(sum / count);
  });
  for (let at = 0; at < out.length; at++) out[at] = mean[at % 3];
  const top = Math.floor((SIDE - height) / 2);
  const left = Math.floor((SIDE - width) / 2);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(3 * y * width, 3 * (y + 1) * width);
    out.set(row, 3 * ((top + y) * SIDE + left));
  }
  return out;
}

/** Round as Python does: halves to the even neighbor. @param {number} value */
function roundedToEven(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
