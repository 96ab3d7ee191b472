/**
 * Compute class activation maps at the last layer, without gradients of a network: what follows
 * that layer is the largest value of each map and a linear head, so the gradient of a class's logit
 * is the head's weight at each map's largest cell and 0 elsewhere. The formulas are those of
 * `cifar/explain/cam.py`, where their sources are.
 */

/**
 * What a network makes of one image.
 * @typedef {object} Run
 * @property {Float32Array} logits of each class, before the temperature
 * @property {Float32Array} maps (D, height, width)
 * @property {Float32Array} weights of the head, (classes, D)
 * @property {number} height
 * @property {number} width
 */

/**
 * One map in numbers.
 * @typedef {object} Facts
 * @property {number} slope gradient at the largest cell
 * @property {number} top value of the largest cell
 * @property {number} total sum of all cells
 * @property {number} cells how many there are
 */

/**
 * How a method weighs one map: the whole of it, or its largest cell alone.
 * @typedef {object} Formula
 * @property {(facts: Facts) => number} [whole] weight of every cell
 * @property {(facts: Facts) => number} [peak] evidence at the largest cell
 * @property {typeof finerSlopes} [score] gradient of the score that is explained, unless that is
 *   the logit of the class
 */

/** @type {Object<string, Formula>} */
const FORMULAS = {
  gradcam: { whole: ({ slope, cells }) => slope / cells },
  hirescam: { peak: ({ slope, top }) => slope * top },
  "gradcam++": {
    whole({ slope, total }) {
      const rise = Math.max(0, slope);
      return (rise ** 2 / (2 * rise ** 2 + total * rise ** 3 + 1e-6)) * rise;
    },
  },
  xgradcam: { whole: ({ slope, top, total }) => (slope * top) / (total + 1e-7) },
  layercam: { peak: ({ slope, top }) => Math.max(0, slope) * top },
  finercam: { whole: ({ slope, cells }) => slope / cells, score: finerSlopes },
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
  const { logits, maps, weights, height, width } = run;
  const { whole, peak, score } = FORMULAS[method];
  const deep = weights.length / logits.length;
  const cells = height * width;
  const slopes = score?.(logits, target, against) ?? logits.map((_, k) => Number(k === target));
  const values = new Float64Array(cells);
  for (let d = 0; d < deep; d++) {
    const map = maps.subarray(d * cells, (d + 1) * cells);
    let slope = 0;
    for (let k = 0; k < logits.length; k++) slope += slopes[k] * weights[k * deep + d];
    // Of several largest cells, the gradient goes to the first.
    let at = 0;
    let total = 0;
    for (let cell = 0; cell < cells; cell++) {
      total += map[cell];
      if (map[cell] > map[at]) at = cell;
    }
    const facts = { slope, top: map[at], total, cells };
    if (peak) values[at] += peak(facts);
    else for (let cell = 0, by = whole(facts); cell < cells; cell++) values[cell] += by * map[cell];
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

/**
 * @param {Float32Array|number[]} logits
 * @param {number} [temperature] what they are divided by
 * @returns {number[]} probabilities
 */
export function softmax(logits, temperature = 1) {
  const top = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp((value - top) / temperature));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}
