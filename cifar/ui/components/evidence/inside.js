/** What the network saw, not only where: the sum behind its answer, and the picture's way to it. */

import { createAccount } from "./account-view.js";
import { createWay } from "./way.js";

/**
 * @param {string[]} classes
 * @param {import('./evidence.js').Server} ask what it lacks is not shown
 * @param {import('./account-terms.js').Channels} [channels]
 */
export function createInside(classes, ask, channels) {
  const account = ask.account && createAccount(classes, ask.account, channels);
  const way = ask.layers && createWay(classes, ask.layers);
  return {
    nodes: [account?.node, way?.node],
    /**
     * Follow a picture.
     * @param {string} key of model and picture
     * @param {{model: string, image: object}} question
     * @param {number[]} targets classes of the maps that are shown
     * @param {HTMLCanvasElement} picture 32x32
     */
    show(key, question, targets, picture) {
      account?.show(key, question, targets, picture);
      way?.show(key, question, picture);
    },
    /** Follow no picture. */
    clear() {
      account?.clear();
      way?.clear();
    },
  };
}
