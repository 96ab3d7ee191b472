/**
 * Answer what the network says of an image, with the evidence for one or two classes, as `look` in
 * `cifar/ui/evidence.py` does.
 */

import { VIEW } from "../classify/pixels.js";
import { SIDE } from "../shared/heat.js";
import { accountOf } from "../evidence/account.js";
import { softmax } from "../shared/softmax.js";
import { heatMap } from "./cam.js";

/** Changing the method or the classes must not run the network again. */
const KEPT = 8;

/** @typedef {import('../evidence/evidence.js').ImageOf} ImageOf */

/**
 * What a question is about: the bytes of all views of a picture, and the one to explain.
 * @typedef {object} Asked
 * @property {Uint8Array} pixels
 * @property {'image'|'look'|'looks'} kind of the views
 * @property {number} look
 * @property {number|null} label
 */

/**
 * What tells pictures that are unlike CIFAR-10.
 * @typedef {object} Unlike
 * @property {import('./network.js').Sized} network from features to their distance
 * @property {Object<'distance'|'energy', {mean: number, deviation: number}>} scale of the score's
 *   two parts
 * @property {import('../evidence/evidence.js').Notice} notice what is said of such a picture
 * @property {number[]} tests the test images that are taken for such
 */

/**
 * What was measured for one kind of view.
 * @typedef {object} Calibration
 * @property {number} temperature that logits are divided by
 * @property {number} threshold of the score that tells pictures unlike CIFAR-10
 * @property {number} unsure confidence below which the answer is doubtful
 * @property {import('../evidence/evidence.js').Notice} doubt what is said of such an answer
 * @property {string} note what a probability means
 */

/**
 * @typedef {object} Model
 * @property {import('./network.js').Sized} network its file
 * @property {Object<Asked['kind'], Calibration>} calibrated
 * @property {Unlike} unlike
 */

/**
 * @param {object} site
 * @param {Object<string, Model>} site.models by name
 * @param {import('../evidence/choices.js').Options} site.options
 * @param {(image: ImageOf) => Promise<Asked>} site.image
 * @param {import('./network.js').Networks} site.run
 * @returns {Pick<import('../evidence/evidence.js').Server, 'look'|'account'>}
 */
export function createLook({ models, options, image, run }) {
  /** Runs by model and picture, the newest last. @type {Map<string, ReturnType<typeof run>>} */
  const runs = new Map();

  /** @param {string} model @param {ImageOf} about @param {Asked} asked */
  function ran(model, about, { pixels, kind }) {
    const key = JSON.stringify([model, "index" in about ? about.index : about.pixels]);
    const { network, unlike } = models[model];
    const inputs = kind === "looks" ? withMirrored(pixels) : pixels;
    // Of test images it is on record.
    const found = runs.get(key) ?? run(network, inputs, "index" in about ? null : unlike.network);
    runs.delete(key);
    runs.set(key, found);
    found.catch(() => runs.delete(key)); // it may be had the next time
    if (runs.size > KEPT) runs.delete(runs.keys().next().value);
    return found;
  }

  /** @type {import('../evidence/evidence.js').Server['account']} */
  async function account({ model, image: about }) {
    const asked = await image(about);
    const found = await ran(model, about, asked);
    const { temperature } = models[model].calibrated[asked.kind === "looks" ? "look" : asked.kind];
    return accountOf(found.runs[asked.look], temperature);
  }

  /** @type {import('../evidence/evidence.js').Server['look']} */
  async function look({ model, image: about, method, classes }) {
    const asked = await image(about);
    const found = await ran(model, about, asked);
    const { unlike } = models[model];
    const { temperature, threshold, unsure, doubt, note } = models[model].calibrated[asked.kind];
    const each = found.runs.map(({ logits }) => softmax(logits, temperature));
    const probabilities = mean(each);
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const [predicted, runnerUp] = order;
    const { label } = asked;
    const beside = label === null || label === predicted ? runnerUp : label;
    const wanted = classes.length ? classes : [predicted, beside];
    const [layer] = options.layers[model];
    const said = each.map((shares) => shares.indexOf(Math.max(...shares)));
    const views = asked.pixels.length / VIEW;
    const isUnlike =
      "index" in about
        ? unlike.tests.includes(about.index)
        : scoreOf(found, unlike.scale) > threshold;
    return {
      probabilities,
      predicted,
      runner_up: runnerUp,
      label,
      notices: [
        ...(isUnlike ? [unlike.notice] : []),
        ...(probabilities[predicted] < unsure ? [doubt] : []),
      ],
      calibrated: note,
      // The mirror images come after all views.
      looks: Array.from({ length: views }, (_, k) => said.filter((_, at) => at % views === k)),
      nearest: found.nearest,
      method,
      layers: [layer.name],
      title: layer.title,
      unit: "logits",
      // FinerCAM sets two classes against each other.
      maps: wanted.map((target, k) =>
        heatMap(found.runs[asked.look], target, method, wanted[1 - k] ?? null),
      ),
    };
  }

  return { look, account };
}

/** @param {number[][]} rows @returns {number[]} */
const mean = (rows) =>
  rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);

/**
 * Return how much unlike CIFAR-10 a picture is, as `scores` in `cifar/evaluation/ood.py`.
 * @param {import('./network.js').Answered} found
 * @param {Unlike['scale']} scale
 */
function scoreOf({ runs, distance }, scale) {
  const logits = mean(runs.map((run) => Array.from(run.logits)));
  const top = Math.max(...logits);
  const parts = {
    distance,
    energy: -top - Math.log(logits.reduce((sum, value) => sum + Math.exp(value - top), 0)),
  };
  return Object.entries(scale).reduce(
    (sum, [name, part]) => sum + (parts[name] - part.mean) / part.deviation,
    0,
  );
}

/** Append the mirror image of each view. @param {Uint8Array} views */
function withMirrored(views) {
  const out = new Uint8Array(2 * views.length);
  out.set(views);
  for (let at = 0; at < views.length; at += 3) {
    const pixel = at / 3;
    const column = pixel % SIDE;
    out.set(views.subarray(at, at + 3), views.length + 3 * (pixel - column + SIDE - 1 - column));
  }
  return out;
}
