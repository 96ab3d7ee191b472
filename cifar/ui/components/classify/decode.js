/** A picture as the browser reads it, beside what the server reads. */

import { SIDE } from "../shared/heat.js";
import { t } from "../shared/language.js";
import { reduced, viewsOf } from "./pixels.js";

/**
 * Return how a picture can be shown, and whether it can be cut.
 * @param {HTMLImageElement|null} image as it is to be shown
 * @param {{pixels: string, width: number, height: number}} seen as the server reads it
 * @param {boolean} [moving] whether it may be animated: then only its first frame is shown
 * @returns {Pick<import('./classify.js').Picture, 'kind'|'shown'|'small'>}
 */
export function drawable(image, { pixels, width, height }, moving = false) {
  if (!image || (width === SIDE && height === SIDE)) {
    const shown = { src: viewsOf(pixels)[0].toDataURL(), width: SIDE, height: SIDE };
    return { kind: "ready", shown, small: null };
  }
  const small = reduced(image);
  const src = moving ? small.toDataURL() : image.src;
  return { kind: "cut", shown: { src, width, height }, small };
}

/** Decode a picture; null if the browser cannot. @returns {Promise<HTMLImageElement|null>} */
export async function decoded(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image.naturalWidth && image.naturalHeight ? image : null;
  } catch {
    return null;
  }
}

/**
 * Return a picture as it is cut: the copy that came with what the network sees, if browsers may show
 * it in another way.
 * @param {HTMLImageElement|null} image as the browser reads it
 * @param {{shown?: string}} seen
 */
export const uprightOf = async (image, { shown }) => (shown ? decoded(shown) : image);

/** Pixels a side of the copy of a file that is too large to be sent. */
const SHRUNK = 2048;

/**
 * Return a picture file, or a smaller copy if it has too many bytes.
 * @param {File} file
 * @param {number} most bytes
 * @returns {Promise<File>} rejects with a sentence if the browser cannot read what is too large
 */
export async function sendable(file, most) {
  if (file.size <= most) return file;
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(
      t("The file is larger than {n} MB: send a smaller picture.", { n: most / 2 ** 20 }),
    );
  });
  const scale = Math.min(1, SHRUNK / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  /** @type {Blob|null} */
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  return new File([blob], file.name, { type: blob.type });
}
