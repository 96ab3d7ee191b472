/** Geometry of the points on the map. Points and corners are interleaved: x, y, x, y, ... */

/**
 * Return which points lie within a polygon (even-odd rule).
 * @param {Float32Array} points
 * @param {number[]} corners
 * @returns {Uint8Array} 1 for each point within
 */
export function inside(points, corners) {
  const mask = new Uint8Array(points.length / 2);
  const last = corners.length - 2;
  for (let i = 0; i < mask.length; i++) {
    const x = points[2 * i];
    const y = points[2 * i + 1];
    let odd = 0;
    for (let k = 0, j = last; k < corners.length; j = k, k += 2) {
      const y1 = corners[k + 1];
      const y2 = corners[j + 1];
      if (y1 > y !== y2 > y && x < corners[k] + ((y - y1) / (y2 - y1)) * (corners[j] - corners[k]))
        odd ^= 1;
    }
    mask[i] = odd;
  }
  return mask;
}

/**
 * Return the nearest point of the selection; if none is near enough, the nearest other point.
 * @param {Float32Array} points
 * @param {[number, number]} place
 * @param {number} reach how far away a point may be
 * @param {Uint16Array} fails 0 for each point of the selection
 * @returns {number} its position, or -1
 */
export function nearest(points, [x, y], reach, fails) {
  const best = [-1, -1];
  const distance = [reach ** 2, reach ** 2];
  for (let i = 0; i < points.length / 2; i++) {
    const d = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
    const group = fails[i] ? 1 : 0;
    if (d < distance[group]) {
      distance[group] = d;
      best[group] = i;
    }
  }
  return best[0] >= 0 ? best[0] : best[1];
}
