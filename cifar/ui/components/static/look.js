/**
 * What the network says of an image, and the evidence for one or two classes: the answer that
 * `look` in `cifar/ui/evidence.py` gives, worked out in the page.
 */

import { heatMap, softmax } from "./cam.js";

/** Changing the method or the classes must not run the network again. */
const KEPT = 8;

/**
 * @param {object} site
 * @param {Object<string, {network: object, temperature: number, unsure: number}>} site.models by name
 * @param {import('../evidence/choices.js').Options} site.options
 * @param {(image: {index: number}|{pixels: string}) => Promise<{pixels: Uint8Array, label: number|null}>} site.image
 * @param {ReturnType<typeof import('./network.js').createNetworks>} site.run
 * @returns {(question: object) => Promise<import('../evidence/evidence.js').Answer>}
 */
export function createLook({ models, options, image, run }) {
  /** Runs by model and image, the newest last. @type {Map<string, Promise<import('./cam.js').Run>>} */
  const runs = new Map();

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
    const { temperature, unsure } = models[model];
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
      notices: probabilities[predicted] < unsure ? [notSure(unsure)] : [],
      method,
      layers: [layer.name],
      title: layer.title,
      unit: "logits",
      // FinerCAM sets two classes against each other.
      maps: wanted.map((target, k) => heatMap(found, target, method, wanted[1 - k] ?? null)),
    };
  };
}

const notSure = (below) => ({
  kind: "unsure",
  title: "not sure",
  text:
    `Of the answers given with less than ${(100 * below).toFixed(0)}% confidence, fewer than nine ` +
    "in ten are right.",
});
