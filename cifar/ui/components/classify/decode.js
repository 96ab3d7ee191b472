/** A picture as the browser reads it, beside what the server reads. */

import { SIDE } from "../shared/heat.js";
import { fromPixels, reduced } from "./pixels.js";

/**
 * Return how a picture can be shown, and whether it can be cut.
 * @param {HTMLImageElement|null} image as the browser reads it
 * @param {{pixels: string, width: number, height: number}} seen as the server reads it
 * @param {boolean} [moving] whether it may be animated: then only its first frame is shown
 * @returns {Pick<import('./classify.js').Picture, 'kind'|'shown'|'small'>}
 */
export function drawable(image, { pixels, width, height }, moving = false) {
  const ready = width === SIDE && height === SIDE;
  // Some pictures lie on their side in browsers, while the server turns them upright.
  const lies = image && (image.naturalWidth - image.naturalHeight) * (width - height) < 0;
  if (ready || lies || !image) {
    const shown = { src: fromPixels(pixels).toDataURL(), width: SIDE, height: SIDE };
    return { kind: ready ? "ready" : "unseen", shown, small: null };
  }
  const small = reduced(image);
  const { naturalWidth, naturalHeight } = image;
  const src = moving ? small.toDataURL() : image.src;
  return { kind: "cut", shown: { src, width: naturalWidth, height: naturalHeight }, small };
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
