/**
 * Answer what the network says of an image, with the evidence for one or two classes, as `look` in
 * `cifar/ui/evidence.py` does.
 */

import { heatMap, softmax } from "./cam.js";

/** Changing the method or the classes must not run the network again. */
const KEPT = 8;

/** @typedef {import('../evidence/evidence.js').ImageOf} ImageOf */

/**
 * What tells pictures that are unlike CIFAR-10.
 * @typedef {object} Unlike
 * @property {import('./network.js').Sized} network from features to their distance
 * @property {number} threshold of the distance
 * @property {import('../evidence/evidence.js').Notice} notice what is said of such a picture
 * @property {number[]} tests the test images that are taken for such
 */

/**
 * @typedef {object} Model
 * @property {import('./network.js').Sized} network its file
 * @property {number} temperature that logits are divided by
 * @property {number} unsure confidence below which the answer is doubtful
 * @property {import('../evidence/evidence.js').Notice} doubt what is said of such an answer
 * @property {Unlike} unlike
 */

/**
 * @param {object} site
 * @param {Object<string, Model>} site.models by name
 * @param {import('../evidence/choices.js').Options} site.options
 * @param {(image: ImageOf) => Promise<{pixels: Uint8Array, label: number|null}>} site.image
 * @param {import('./network.js').Networks} site.run
 * @returns {import('../evidence/evidence.js').Server['look']}
 */
export function createLook({ models, options, image, run }) {
  /** Runs by model and image, the newest last. @type {Map<string, Promise<import('./cam.js').Run>>} */
  const runs = new Map();

  /** @param {string} model @param {ImageOf} about @param {Uint8Array} pixels of that image */
  function ran(model, about, pixels) {
    const key = JSON.stringify([model, about]);
    const { network, unlike } = models[model];
    // Of test images it is on record.
    const found = runs.get(key) ?? run(network, pixels, "index" in about ? null : unlike.network);
    runs.delete(key);
    runs.set(key, found);
    found.catch(() => runs.delete(key)); // it may be had the next time
    if (runs.size > KEPT) runs.delete(runs.keys().next().value);
    return found;
  }

  return async ({ model, image: about, method, classes }) => {
    const { pixels, label } = await image(about);
    const found = await ran(model, about, pixels);
    const { temperature, unsure, doubt, unlike } = models[model];
    const probabilities = softmax(found.logits, temperature);
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const [predicted, runnerUp] = order;
    const beside = label === null || label === predicted ? runnerUp : label;
    const wanted = classes.length ? classes : [predicted, beside];
    const [layer] = options.layers[model];
    return {
      probabilities,
      predicted,
      runner_up: runnerUp,
      label,
      notices: [
        ...(isUnlike(about, found, unlike) ? [unlike.notice] : []),
        ...(probabilities[predicted] < unsure ? [doubt] : []),
      ],
      method,
      layers: [layer.name],
      title: layer.title,
      unit: "logits",
      // FinerCAM sets two classes against each other.
      maps: wanted.map((target, k) => heatMap(found, target, method, wanted[1 - k] ?? null)),
    };
  };
}

/** @param {ImageOf} about @param {import('./cam.js').Run} found @param {Unlike} unlike */
const isUnlike = (about, { distance }, { threshold, tests }) =>
  "index" in about ? tests.includes(about.index) : distance > threshold;
