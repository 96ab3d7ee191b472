/** The exact account of an answer: each logit is a constant and what every channel adds to it. */

import { softmax } from "../shared/softmax.js";

/**
 * The logits of a picture as sums.
 * @typedef {object} Account
 * @property {number} temperature that logits are divided by
 * @property {ArrayLike<number>} logits of each class
 * @property {ArrayLike<number>} constant of each class: what is left without any channel
 * @property {Float32Array} terms (channels, classes)
 * @property {Uint8Array} cells of the largest value of each channel, row by row
 * @property {number} size of the map: cells along a side
 * @property {boolean} averaged whether a channel's mean counts, and not its largest value
 */

/**
 * What the server answers: arrays are base64 of their bytes; no terms if the network gives no sum.
 * @typedef {Omit<Account, 'terms'|'cells'> & {terms: string|null, cells: string}} Sent
 */

/** @param {string} text base64 */
export const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** @param {Sent} sent @returns {Account|null} null if the network gives no such sum */
export function received(sent) {
  if (sent.terms === null) return null;
  const terms = new Float32Array(bytesOf(sent.terms).buffer);
  return { ...sent, terms, cells: bytesOf(sent.cells) };
}

/**
 * Make the account of what a network gave in the page, as `account` in `cifar/explain/account.py`.
 * @param {import('../static/cam.js').Run} run
 * @param {number} temperature
 * @returns {Account}
 */
export function accountOf({ logits, maps, weights, averaged, height, width }, temperature) {
  const [classes, cells] = [logits.length, height * width];
  const deep = weights.length / classes;
  const terms = new Float32Array(deep * classes);
  const places = new Uint8Array(deep);
  const constant = Array.from(logits);
  for (let d = 0; d < deep; d++) {
    const map = maps.subarray(d * cells, (d + 1) * cells);
    places[d] = map.indexOf(Math.max(...map));
    const mean = map.reduce((sum, value) => sum + value, 0) / cells;
    const value = averaged ? mean : map[places[d]];
    for (let k = 0; k < classes; k++) {
      terms[d * classes + k] = value * weights[k * deep + d];
      constant[k] -= value * weights[k * deep + d];
    }
  }
  return { temperature, logits, constant, terms, cells: places, size: width, averaged };
}

/**
 * Return what each channel adds to the logit of a class, or to how far it is above another's.
 * @param {Account} account
 * @param {number} one class
 * @param {number|null} other class
 */
export function termsOf({ terms, logits }, one, other) {
  const classes = logits.length;
  return Array.from({ length: terms.length / classes }, (_, channel) => {
    const row = terms.subarray(channel * classes, (channel + 1) * classes);
    return row[one] - (other === null ? 0 : row[other]);
  });
}

/**
 * Return the channels that add most for a class and against it, `most` of each, the largest first.
 * @param {number[]} terms @param {number} most
 */
export function largest(terms, most) {
  const order = [...terms.keys()].sort((a, b) => terms[b] - terms[a]);
  const speakFor = order.filter((channel) => terms[channel] > 0).slice(0, most);
  const against = order.filter((channel) => terms[channel] < 0).slice(-most);
  return [...speakFor, ...against];
}

/**
 * Return the probabilities that are left without some channels.
 * @param {Account} account @param {Iterable<number>} channels
 */
export function without({ logits, terms, temperature }, channels) {
  const left = Array.from(logits);
  for (const channel of channels)
    for (const k of left.keys()) left[k] -= terms[channel * left.length + k];
  return softmax(left, temperature);
}
