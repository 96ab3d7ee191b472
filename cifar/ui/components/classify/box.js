/**
 * Move and resize the square that is cut out of a picture. Pure functions; boxes are in whole
 * pixels of the picture, so that the cut is exactly square.
 */

/**
 * @typedef {{x: number, y: number, side: number}} Box upper left corner and side
 * @typedef {{width: number, height: number}} Size
 * @typedef {[number, number, number, number]} Shares left, top, right and bottom as shares of the
 *   picture
 */

/** A box cannot be made smaller than what the network sees, nor than this share of the picture. */
const SMALLEST = { pixels: 32, share: 0.06 };

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

/** @param {Size} size */
const shortSide = ({ width, height }) => Math.min(width, height);

/** Return the side of the smallest box. @param {Size} size */
export function smallest(size) {
  const short = shortSide(size);
  return Math.min(short, Math.max(SMALLEST.pixels, Math.round(SMALLEST.share * short)));
}

/** Return the largest box, in the middle. @param {Size} size @returns {Box} */
export function centered(size) {
  const side = shortSide(size);
  return {
    x: Math.floor((size.width - side) / 2),
    y: Math.floor((size.height - side) / 2),
    side,
  };
}

/**
 * Return the box inside the picture that is nearest to a wished one.
 * @param {Box} wish
 * @param {Size} size
 * @returns {Box}
 */
export function inside({ x, y, side }, size) {
  const kept = Math.round(clamp(side, smallest(size), shortSide(size)));
  return {
    x: clamp(Math.round(x), 0, size.width - kept),
    y: clamp(Math.round(y), 0, size.height - kept),
    side: kept,
  };
}

/** Move a box. @param {Box} box @param {number} dx @param {number} dy @param {Size} size */
export const moved = (box, dx, dy, size) =>
  inside({ x: box.x + dx, y: box.y + dy, side: box.side }, size);

/**
 * Make a box larger or smaller about its middle.
 * @param {Box} box
 * @param {number} by pixels of the side
 * @param {Size} size
 */
export function resized(box, by, size) {
  const side = clamp(box.side + by, smallest(size), shortSide(size));
  const shift = (box.side - side) / 2;
  return inside({ x: box.x + shift, y: box.y + shift, side }, size);
}

/**
 * Pull one corner of a box to a point; the opposite corner stays where it is.
 * @param {Box} box
 * @param {{east: boolean, south: boolean}} corner
 * @param {{x: number, y: number}} to
 * @param {Size} size
 * @returns {Box}
 */
export function pulled(box, { east, south }, to, size) {
  const anchor = { x: east ? box.x : box.x + box.side, y: south ? box.y : box.y + box.side };
  const wish = Math.max(
    east ? to.x - anchor.x : anchor.x - to.x,
    south ? to.y - anchor.y : anchor.y - to.y,
  );
  const room = Math.min(
    east ? size.width - anchor.x : anchor.x,
    south ? size.height - anchor.y : anchor.y,
  );
  const side = Math.round(Math.min(Math.max(wish, smallest(size)), room));
  return { x: east ? anchor.x : anchor.x - side, y: south ? anchor.y : anchor.y - side, side };
}

/** Return whether a point lies in the inner half of a box. @param {Box} box @param {{x: number, y: number}} point */
export function inMiddle({ x, y, side }, point) {
  const middle = side / 2;
  return Math.max(Math.abs(point.x - x - middle), Math.abs(point.y - y - middle)) < side / 4;
}

/** Give a box as shares of the picture. @param {Box} box @param {Size} size @returns {Shares} */
export const shares = ({ x, y, side }, { width, height }) => [
  x / width,
  y / height,
  (x + side) / width,
  (y + side) / height,
];

/** Give the box of `shares`. @param {Shares} part @param {Size} size @returns {Box} */
export const boxOf = ([left, top, right], { width, height }) =>
  inside({ x: left * width, y: top * height, side: (right - left) * width }, { width, height });
