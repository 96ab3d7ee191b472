/**
 * Turn WebP pictures upright, which browsers leave as they lie. (They turn JPEG and PNG.) The
 * orientation is in EXIF, in a chunk of the file: https://developers.google.com/speed/webp/docs/riff_container.
 */

/** The tag of the orientation in EXIF, and the type of a 16-bit number. */
const TAG = 0x0112;
const SHORT = 3;

/**
 * Return the orientation of a WebP file, 1 to 8; 1 for other files and if there is none.
 * @param {Uint8Array} file
 */
export function orientationOf(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  /** @param {number} at */
  const word = (at) => String.fromCharCode(...file.subarray(at, at + 4));
  if (word(0) !== "RIFF" || word(8) !== "WEBP") return 1;
  for (let at = 12; at + 8 <= file.length;) {
    const size = view.getUint32(at + 4, true);
    if (word(at) === "EXIF") return inExif(file.subarray(at + 8, at + 8 + size));
    at += 8 + size + (size % 2);
  }
  return 1;
}

/** @param {Uint8Array} exif */
function inExif(exif) {
  const start = exif[0] === 0x45 ? 6 : 0; // some write "Exif" and two zeros first
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.byteLength - start);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    for (let k = 0; k < view.getUint16(directory, little); k++) {
      const entry = directory + 2 + 12 * k;
      if (view.getUint16(entry, little) !== TAG) continue;
      const value =
        view.getUint16(entry + 2, little) === SHORT && view.getUint16(entry + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // EXIF that ends too early
  }
  return 1;
}

/**
 * Return a picture as it is to be seen.
 * @param {import('./resample.js').Rgb} picture
 * @param {number} orientation of `orientationOf`
 * @returns {import('./resample.js').Rgb}
 */
export function upright(picture, orientation) {
  if (orientation === 1) return picture;
  const { width: w, height: h, data } = picture;
  const [right, bottom] = [w - 1, h - 1];
  /** The place in the file of a pixel that is seen at (x, y). @type {Object<number, (x: number, y: number) => number[]>} */
  const places = {
    2: (x, y) => [right - x, y],
    3: (x, y) => [right - x, bottom - y],
    4: (x, y) => [x, bottom - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, bottom - x],
    7: (x, y) => [right - y, bottom - x],
    8: (x, y) => [right - y, x],
  };
  const place = places[orientation];
  const [width, height] = orientation >= 5 ? [h, w] : [w, h];
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 3) {
      const [column, row] = place(x, y);
      const at = 3 * (row * w + column);
      out.set(data.subarray(at, at + 3), to);
    }
  return { width, height, data: out };
}
