/**
 * Answer what the network says of an image, with the evidence for one or two classes, as `look` in
 * `cifar/ui/evidence.py` does.
 */

import { heatMap, softmax } from "./cam.js";

/** Changing the method or the classes must not run the network again. */
const KEPT = 8;

/** @typedef {import('../evidence/evidence.js').ImageOf} ImageOf */

/**
 * @typedef {object} Model
 * @property {import('./network.js').Sized} network its file
 * @property {number} temperature that logits are divided by
 * @property {number} unsure confidence below which the answer is doubtful
 * @property {import('../evidence/evidence.js').Notice} doubt what is said of such an answer
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
    const found = runs.get(key) ?? run(models[model].network, pixels);
    runs.delete(key);
    runs.set(key, found);
    found.catch(() => runs.delete(key)); // it may be had the next time
    if (runs.size > KEPT) runs.delete(runs.keys().next().value);
    return found;
  }

  return async ({ model, image: about, method, classes }) => {
    const { pixels, label } = await image(about);
    const found = await ran(model, about, pixels);
    const { temperature, unsure, doubt } = models[model];
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
      notices: probabilities[predicted] < unsure ? [doubt] : [],
      method,
      layers: [layer.name],
      title: layer.title,
      unit: "logits",
      // FinerCAM sets two classes against each other.
      maps: wanted.map((target, k) => heatMap(found, target, method, wanted[1 - k] ?? null)),
    };
  };
}
