/** Decode a picture, and cut out of it the 32x32 pixels that the network sees. */

import { VIEW } from "../classify/pixels.js";
import { SIDE } from "../shared/heat.js";
import { t } from "../shared/language.js";
import { orientationOf, upright } from "./orientation.js";
import { resized } from "./resample.js";

/** Rows that are read at once: some browsers have no canvas for a large photograph. */
const STRIP = 512;
/** Pixels a side of a picture that the browser would show in another way. */
const SHOWN = 768;
/** Central squares that the network looks at, as shares of the short side. */
const SQUARES = [1, 0.9, 0.8];

/**
 * Decode a picture file to RGB: upright, its first frame, on white, in sRGB as its profile says.
 * @param {Blob} file
 * @param {number} most pixels
 * @returns {Promise<import('./resample.js').Rgb & {turned: boolean}>} turned: browsers show the file
 *   in another way
 */
export async function opened(file, most) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(t("The file is not a picture that this browser can read: try a PNG or JPEG."));
  });
  const { width, height } = bitmap;
  try {
    if (width * height > most)
      throw new Error(
        t("The picture has {width}x{height} pixels: choose one of at most {most} megapixels.", {
          width: String(width),
          height: String(height),
          most: most / 1e6,
        }),
      );
    const orientation = orientationOf(new Uint8Array(await file.arrayBuffer()));
    const picture = upright({ width, height, data: rgb(bitmap) }, orientation);
    return { ...picture, turned: orientation !== 1 };
  } finally {
    bitmap.close();
  }
}

/** Draw a small copy. @param {import('./resample.js').Rgb} picture @returns {string} a data URL */
export function drawn(picture) {
  const scale = Math.min(1, SHOWN / Math.max(picture.width, picture.height));
  const [w, h] = [picture.width, picture.height].map((side) =>
    Math.max(1, Math.round(scale * side)),
  );
  const { width, height, data } = resized(picture, w, h);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let k = 0; k < width * height; k++) {
    pixels.data.set(data.subarray(3 * k, 3 * k + 3), 4 * k);
    pixels.data[4 * k + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL("image/jpeg", 0.9);
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
 * @property {boolean} [unseen] whether the browser cannot show it
 * @property {boolean} [again] whether it is shown already
 */

/**
 * Return all that the network sees of a picture, as `see` in `cifar/data/pictures.py` has it.
 * @param {import('./resample.js').Rgb} picture
 * @param {import('../classify/picture.js').Fit} fit
 * @param {import('../classify/box.js').Shares|null} box
 * @returns {{bytes: Uint8Array, kind: 'image'|'look'|'looks'}}
 */
export function seen(picture, fit, box) {
  const { width, height } = picture;
  if (width === SIDE && height === SIDE && !box)
    return { bytes: networkView(picture, fit), kind: "image" };
  if (fit !== "crop" || box) return { bytes: networkView(picture, fit, box), kind: "look" };
  const views = [
    ...SQUARES.map((share) => centralSquare(picture, share)),
    networkView(picture, "stretch"),
  ];
  const bytes = new Uint8Array(views.length * VIEW);
  for (const [k, view] of views.entries()) bytes.set(view, k * VIEW);
  return { bytes, kind: "looks" };
}

/**
 * Scale a central square, whose side is a share of the short side.
 * @param {import('./resample.js').Rgb} picture
 * @param {number} share
 */
function centralSquare(picture, share) {
  const { width, height } = picture;
  const side = share * Math.min(width, height);
  const [left, top] = [(width - side) / 2, (height - side) / 2];
  return resized(picture, SIDE, SIDE, [left, top, left + side, top + side]).data;
}

/**
 * Return one view of a picture, as `network_view` in `cifar/data/pictures.py` has it.
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
  if (fit === "crop") return centralSquare(picture, 1);
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
