/** The part of the map that is shown. Places run from 0 to 1 across the whole map. */

const MOST_ZOOM = 40;

/** @typedef {{scale: number, left: number, top: number}} Viewport places of the left and upper edge */
/** @typedef {[number, number]} Point x, y */

/** @type {Viewport} */
export const WHOLE = Object.freeze({ scale: 1, left: 0, top: 0 });

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Return the nearest viewport that lies within the map. @param {Viewport} wanted */
export function bounded({ scale, left, top }) {
  const next = clamp(scale, 1, MOST_ZOOM);
  const edge = 1 - 1 / next;
  return { scale: next, left: clamp(left, 0, edge), top: clamp(top, 0, edge) };
}

/** Zoom so that one point of the plot, given as shares of its sides, keeps its place. */
export function zoomed({ scale, left, top }, factor, [x, y] = [0.5, 0.5]) {
  const next = clamp(scale * factor, 1, MOST_ZOOM);
  const shift = 1 / scale - 1 / next;
  return bounded({ scale: next, left: left + x * shift, top: top + y * shift });
}

/** Return the place of a point, given as shares of the plot's sides. @returns {Point} */
export const placeOf = ({ scale, left, top }, [x, y]) => [x / scale + left, y / scale + top];

/** Return where in a plot of so many pixels a place is shown. @returns {Point} */
export const pointOf = ({ scale, left, top }, x, y, pixels) => [
  (x - left) * scale * pixels,
  (y - top) * scale * pixels,
];
