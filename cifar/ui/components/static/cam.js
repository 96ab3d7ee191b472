/**
 * Compute class activation maps at the last layer, without gradients of a network: what follows
 * that layer is the largest value of each map, or the mean, and a linear head. So the gradient of a
 * class's logit is the head's weight at each map's largest cell and 0 elsewhere, or the weight
 * divided by the number of cells everywhere. The formulas are those of `cifar/explain/cam.py`, where
 * their sources are.
 */

import { softmax } from "../shared/softmax.js";

/**
 * What a network makes of one image.
 * @typedef {object} Run
 * @property {Float32Array} logits of each class, before the temperature
 * @property {Float32Array} maps (D, height, width)
 * @property {Float32Array} weights of the head, (classes, D)
 * @property {boolean} averaged whether the head takes the means of the maps, or else the maxima
 * @property {number} height
 * @property {number} width
 */

/**
 * How a method weighs one map: by one number, or each cell by its own.
 * @typedef {object} Formula
 * @property {(map: Float32Array, gradient: Float64Array) => number} [whole] weight of every cell
 * @property {(gradient: number) => number} [cell] weight of a cell with that gradient
 * @property {typeof finerSlopes} [score] gradient of the score that is explained, unless that is
 *   the logit of the class
 */

/** @param {Iterable<number>} values */
function total(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** @type {(map: Float32Array, gradient: Float64Array) => number} */
const meanGradient = (map, gradient) => total(gradient) / map.length;

/** @type {Object<string, Formula>} */
const FORMULAS = {
  gradcam: { whole: meanGradient },
  hirescam: { cell: (gradient) => gradient },
  "gradcam++": {
    whole(map, gradient) {
      const all = total(map);
      return total(
        gradient.map((g) => {
          const rise = Math.max(0, g);
          return rise && (rise ** 2 / (2 * rise ** 2 + all * rise ** 3 + 1e-6)) * rise;
        }),
      );
    },
  },
  xgradcam: {
    whole: (map, gradient) => total(gradient.map((g, at) => g * map[at])) / (total(map) + 1e-7),
  },
  layercam: { cell: (gradient) => Math.max(0, gradient) },
  finercam: { whole: meanGradient, score: finerSlopes },
};

/** Names of the methods. */
export const METHODS = Object.keys(FORMULAS);

/**
 * Compute the evidence for one class.
 * @param {Run} run
 * @param {number} target class
 * @param {string} method one of METHODS
 * @param {number|null} [against] the class that FinerCAM compares with, instead of the three nearest
 * @returns {import('../shared/heat.js').HeatMap}
 */
export function heatMap(run, target, method, against = null) {
  const { logits, maps, weights, averaged, height, width } = run;
  const { whole, cell, score } = FORMULAS[method];
  const deep = weights.length / logits.length;
  const cells = height * width;
  const slopes = score?.(logits, target, against) ?? logits.map((_, k) => Number(k === target));
  const values = new Float64Array(cells);
  for (let d = 0; d < deep; d++) {
    const map = maps.subarray(d * cells, (d + 1) * cells);
    let slope = 0;
    for (let k = 0; k < logits.length; k++) slope += slopes[k] * weights[k * deep + d];
    const gradient = new Float64Array(cells);
    // Of several largest cells, the gradient goes to the first.
    if (averaged) gradient.fill(slope / cells);
    else gradient[map.indexOf(Math.max(...map))] = slope;
    const by = whole?.(map, gradient);
    for (let at = 0; at < cells; at++) values[at] += (by ?? cell(gradient[at])) * map[at];
  }
  return { target, height, width, values: Array.from(values, (value) => Math.max(0, value)) };
}

/**
 * Return the gradient of FinerCAM's score with respect to the logits.
 * @param {Float32Array} logits
 * @param {number} target class
 * @param {number|null} against class
 */
function finerSlopes(logits, target, against) {
  const shares = softmax(logits);
  const others = against === null ? nearest(logits, target) : [against];
  /** @param {(k: number) => number} of */
  const sum = (of) => others.reduce((total, k) => total + of(k), 0);
  /** @param {number} k */
  const gap = (k) => logits[target] - logits[k];
  const [above, below] = [sum((k) => shares[k] * gap(k)), sum((k) => shares[k]) + 1e-9];
  return Array.from(logits, (_, j) => {
    /** @param {number} k */
    const moved = (k) => shares[k] * (Number(k === j) - shares[j]);
    const rise = sum(
      (k) => moved(k) * gap(k) + shares[k] * (Number(j === target) - Number(j === k)),
    );
    return (rise * below - above * sum(moved)) / below ** 2;
  });
}

/**
 * Return the three classes whose logits are nearest to that of the target.
 * @param {Float32Array} logits
 * @param {number} target class
 */
function nearest(logits, target) {
  /** @param {number} k */
  const gap = (k) => Math.abs(logits[k] - logits[target]);
  return [...logits.keys()]
    .filter((k) => k !== target)
    .sort((a, b) => gap(a) - gap(b))
    .slice(0, 3);
}
