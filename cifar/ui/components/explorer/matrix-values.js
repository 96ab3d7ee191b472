/** The numbers of the confusion matrix: counts, or shares of a row or column. */

import { count } from "../shared/words.js";

/** @typedef {'count'|'row'|'column'} Scale */

/**
 * @typedef {object} MatrixValues
 * @property {number[]} values of the cells, row by row, on the scale
 * @property {number} most the highest value off the diagonal
 * @property {Uint32Array} rows sums of the rows
 * @property {Uint32Array} columns sums of the columns
 * @property {(value: number) => string} write a value
 */

/**
 * @param {Uint32Array} counts true by predicted, row by row
 * @param {number} size classes
 * @param {Scale} scale
 * @returns {MatrixValues}
 */
export function matrixValues(counts, size, scale) {
  const rows = new Uint32Array(size);
  const columns = new Uint32Array(size);
  counts.forEach((n, k) => {
    rows[Math.floor(k / size)] += n;
    columns[k % size] += n;
  });
  const total = {
    count: () => 1,
    row: (k) => rows[Math.floor(k / size)] || 1,
    column: (k) => columns[k % size] || 1,
  }[scale];
  const values = Array.from(counts, (n, k) => n / total(k));
  const most = Math.max(0, ...values.filter((_, k) => k % (size + 1)));
  return { values, most, rows, columns, write: scale === "count" ? whole : share };
}

const whole = (value) => count(Math.round(value));
const share = (value) => (100 * value).toFixed(value < 0.0995 ? 1 : 0);
