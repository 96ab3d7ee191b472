/** Probabilities from logits. */

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
