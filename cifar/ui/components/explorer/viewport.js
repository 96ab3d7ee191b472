/** The part of the map that is shown. Places run from 0 to 1 across the whole map. */

const MOST_ZOOM = 40;

/**
 * @typedef {object} Viewport
 * @property {number} scale 1 shows the whole map
 * @property {number} left the place of the left edge
 * @property {number} top the place of the upper edge
 */

/** @type {Viewport} */
export const WHOLE = Object.freeze({ scale: 1, left: 0, top: 0 });

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Return the nearest viewport that lies within the map. @param {Viewport} wanted */
export function bounded({ scale, left, top }) {
  const next = clamp(scale, 1, MOST_ZOOM);
  const edge = 1 - 1 / next;
  return { scale: next, left: clamp(left, 0, edge), top: clamp(top, 0, edge) };
}

/**
 * Zoom so that one point of the plot keeps its place.
 * @param {Viewport} viewport
 * @param {number} factor
 * @param {[number, number]} [fixed] the point, as shares of the plot's sides
 */
export function zoomed({ scale, left, top }, factor, [x, y] = [0.5, 0.5]) {
  const next = clamp(scale * factor, 1, MOST_ZOOM);
  const shift = 1 / scale - 1 / next;
  return bounded({ scale: next, left: left + x * shift, top: top + y * shift });
}

/**
 * Return the place of a point of the plot.
 * @param {Viewport} viewport
 * @param {[number, number]} point as shares of the plot's sides
 * @returns {[number, number]}
 */
export const placeOf = ({ scale, left, top }, [x, y]) => [x / scale + left, y / scale + top];

/**
 * Return the point of the plot where a place is shown.
 * @param {Viewport} viewport
 * @param {number} x
 * @param {number} y
 * @param {number} side pixels along the plot's side
 * @returns {[number, number]} in those pixels
 */
export const pointOf = ({ scale, left, top }, x, y, side) => [
  (x - left) * scale * side,
  (y - top) * scale * side,
];
