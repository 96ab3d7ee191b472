/** Convert the 32x32 image that the network sees, and preview it while the server is asked. */

import { SIDE } from "../shared/heat.js";

/** Pictures are reduced to this before they are previewed: dragging must not scale megapixels. */
const REDUCED = 512;

/** Make a square canvas. */
export function square(side = SIDE) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  return canvas;
}

/** Bytes of a view: RGB, row by row. */
export const VIEW = 3 * SIDE * SIDE;

/**
 * @param {string} pixels base64 of VIEW bytes for each view of a picture
 * @returns {Uint8Array}
 */
export const bytesOf = (pixels) => Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));

/** @param {Uint8Array|Uint8ClampedArray} bytes @returns {string} as of `bytesOf` */
export const toPixels = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** @param {HTMLCanvasElement} canvas 32x32 @returns {string} as of `bytesOf` */
export function pixelsOf(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, SIDE, SIDE);
  return toPixels(data.filter((_, k) => k % 4 !== 3));
}

/** @param {string} pixels as of `bytesOf` @returns {HTMLCanvasElement[]} 32x32 each */
export function viewsOf(pixels) {
  const bytes = bytesOf(pixels);
  return Array.from({ length: bytes.length / VIEW }, (_, k) =>
    drawn(bytes.subarray(k * VIEW, (k + 1) * VIEW)),
  );
}

/** @param {Uint8Array} bytes of a view */
function drawn(bytes) {
  const canvas = square();
  const context = canvas.getContext("2d");
  const picture = context.createImageData(SIDE, SIDE);
  for (let k = 0; k < SIDE * SIDE; k++) {
    picture.data.set(bytes.subarray(3 * k, 3 * k + 3), 4 * k);
    picture.data[4 * k + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @param {HTMLCanvasElement} image 32x32, to be copied there */
export function show(canvas, image) {
  canvas.getContext("2d").drawImage(image, 0, 0);
}

/**
 * Reduce a picture to at most 512 pixels a side, on white, as the server puts anything transparent.
 * @param {HTMLImageElement} image
 * @returns {HTMLCanvasElement}
 */
export function reduced(image) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, REDUCED / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * Approximate what the server will make of a picture, while it is asked.
 * @param {HTMLCanvasElement} picture of `reduced`
 * @param {import('./picture.js').Fit} fit
 * @param {import('./box.js').Shares|null} box it takes the place of `fit`
 * @returns {HTMLCanvasElement} 32x32
 */
export function preview(picture, fit, box) {
  const { width, height } = picture;
  const canvas = square();
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  if (box) {
    const [left, top, right, bottom] = box;
    const [across, down] = [(right - left) * width, (bottom - top) * height];
    context.drawImage(picture, left * width, top * height, across, down, 0, 0, SIDE, SIDE);
  } else if (fit === "stretch") {
    context.drawImage(picture, 0, 0, SIDE, SIDE);
  } else {
    const scale = (fit === "fit" ? Math.min : Math.max)(SIDE / width, SIDE / height);
    const [w, h] = [Math.round(width * scale) || 1, Math.round(height * scale) || 1];
    context.drawImage(picture, Math.floor((SIDE - w) / 2), Math.floor((SIDE - h) / 2), w, h);
    if (fit === "fit") ground(context);
  }
  return canvas;
}

/**
 * Fill empty pixels with the mean colour of the others.
 * @param {CanvasRenderingContext2D} context
 */
function ground(context) {
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const sums = [0, 0, 0];
  let count = 0;
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3] < 255) continue;
    count++;
    for (let c = 0; c < 3; c++) sums[c] += data[k + c];
  }
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = `rgb(${sums.map((sum) => Math.round(sum / Math.max(1, count))).join(" ")})`;
  context.fillRect(0, 0, SIDE, SIDE);
}
