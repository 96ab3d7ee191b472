/**
 * Data packs: what Python has judged, one file each for the images, a model, and others to compare.
 *
 * A pack is gzip of: the header's length (uint32, little-endian), the header (JSON), zeros up to a
 * multiple of 8, then the columns, each at its own multiple of 8. Row i is test index i.
 */

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int32: Int32Array,
  float32: Float32Array,
};

/** The one format this code reads. */
const FORMAT = 1;

/**
 * @typedef {object} Pack
 * @property {any} header as Python wrote it: titles, counts, rates with their intervals
 * @property {number} count rows
 * @property {Object<string, Uint8Array|Int8Array|Uint16Array|Int32Array|Float32Array>} columns
 *   row-major; a column of width k has k values a row
 */

/**
 * @param {ArrayBuffer} bytes a pack as it is served
 * @returns {Promise<Pack>} whose columns are views of one buffer
 */
export async function readPack(bytes) {
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return decode(await new Response(unzipped).arrayBuffer());
}

/** @param {ArrayBuffer} buffer @returns {Pack} */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  if (header.format !== FORMAT) {
    throw new Error(`This page reads data of format ${FORMAT}, not ${header.format}: reload it.`);
  }
  const start = Math.ceil((4 + length) / 8) * 8;
  const columns = {};
  let count = header.count ?? 0;
  for (const { name, dtype, shape, offset } of header.columns) {
    const size = shape.reduce((product, side) => product * side, 1);
    columns[name] = new ARRAYS[dtype](buffer, start + offset, size);
    count = shape[0];
  }
  return { header, count, columns };
}
