/** Answer from a record what networks make of the pictures that the page opens with. */

import { toPixels, VIEW } from "../classify/pixels.js";
import { readPack } from "../explorer/pack.js";

/** @typedef {import('./network.js').Networks} Networks */
/** @typedef {import('./network.js').Answered} Answered */

/**
 * Return what answers from the records where it can, and else runs the network.
 * @param {Networks} run
 * @param {Map<string, () => Promise<ArrayBuffer>>} records packs by the address of the network
 * @returns {Networks}
 */
export function recordedFirst(run, records) {
  /** @type {Map<string, Promise<Map<string, Answered>>>} */
  const known = new Map();

  /** @param {string} network */
  function answersOf(network) {
    if (!known.has(network)) {
      const coming = records.get(network)().then(readPack).then(answersIn);
      known.set(network, coming);
      coming.catch(() => known.delete(network)); // it may be there the next time
    }
    return known.get(network);
  }

  return async (network, pixels, distance) => {
    const answers = await answersOf(network.url).catch(() => null); // the network says the same
    return answers?.get(toPixels(pixels)) ?? run(network, pixels, distance);
  };
}

/**
 * Return the answers in a record by the pixels that they are to.
 * @param {import('../explorer/pack.js').Pack} pack
 */
function answersIn({ header: { pictures, height, width, averaged }, columns }) {
  /** @type {any} */
  const { pixels, logits, maps, weights } = columns;
  const views = pixels.length / VIEW;
  /** @param {Float32Array} all @param {number} k view */
  const part = (all, k) => all.subarray((k * all.length) / views, ((k + 1) * all.length) / views);
  let first = 0;
  /** @type {Map<string, Answered>} */
  const answers = new Map();
  for (const { runs: count, distance, nearest } of pictures) {
    const runs = Array.from({ length: count }, (_, k) => ({
      logits: part(logits, first + k),
      maps: part(maps, first + k),
      ...{ weights, averaged, height, width },
    }));
    answers.set(toPixels(pixels.slice(first * VIEW, (first + count) * VIEW)), {
      runs,
      distance,
      nearest,
    });
    first += count;
  }
  return answers;
}
