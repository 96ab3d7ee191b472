/**
 * Read data packs: what Python has judged, one file each for the images, a model, and others to
 * compare (see `cifar/explorer.py`, which writes them).
 *
 * A pack is gzip of: the header's length (uint32, little-endian), the header (JSON), zeros up to a
 * multiple of 8, then the columns, each at its own multiple of 8. Row i is test index i.
 */

import { heard, t } from "../shared/language.js";

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int32: Int32Array,
  float32: Float32Array,
};

/** The one format this code reads. */
const FORMAT = 1;

/** @typedef {{key: string, group: number}} Slice one group of images, by its place in a slice */
/** @typedef {{low: number, high: number}} Interval of 95% */
/** @typedef {Interval & {value: number, n: number}} Rate of `n` images */
/** @typedef {{per_sheet: number, columns: number}} SheetLayout images a sheet, and images a row */

/**
 * What is true of the test images whatever the model.
 * @typedef {object} ImagesHeader
 * @property {'images'} kind
 * @property {string[]} classes as the page shows them
 * @property {string[]} recorded the classes as links and files have them, in English
 * @property {number} count
 * @property {Array<{key: string, low: number, high: number|null}>} agreement bands of the share of
 *   people who chose the label
 * @property {Array<{title: string, accuracy: number, year: string, source: string}>} networks
 *   published ones, the least accurate first
 * @property {number} reviewers people who reviewed a doubtful label
 * @property {Array<{key: string, title: string, groups: string[],
 *   details: string[]}>} slices details: the range of values in each group, or ""
 * @property {SheetLayout & {count: number}} sheets
 * @property {{sheet: number, columns: number}} twins the sheet of near-duplicates, by test index
 */

/**
 * One verdict on mistakes.
 * @typedef {object} Verdict
 * @property {string} key
 * @property {string} title as the page shows it
 * @property {string} recorded the title as files have it, in English
 * @property {string} rule when a mistake has it, in words
 * @property {number} n mistakes that have it
 */

/**
 * One model. Those that are only compared with have the first six properties.
 * @typedef {object} ModelHeader
 * @property {'model'|'other'} kind
 * @property {string} name
 * @property {string} title
 * @property {Rate} accuracy
 * @property {Object<string, {counts: number[], p: number, difference: Rate}>} against each
 *   other model: images in each of CELLS, the p-value, and how much more accurate this model is
 * @property {number} format
 * @property {string} sha256 of the weights
 * @property {number} temperature
 * @property {number} mistakes
 * @property {Rate} agreed accuracy among images that all people agree on
 * @property {Verdict[]} verdicts
 * @property {string[]} sorts
 * @property {Object<string, Array<Interval & {n: number, wrong: number, rate: number}>>} slices
 *   error rates of the groups of each slice
 * @property {SheetLayout & {right?: boolean}} [neighbors] sheets of training images, a row a mistake;
 *   right: whether the nearest correct test image follows them
 */

/**
 * @typedef {object} ImageColumns
 * @property {Uint8Array} label
 * @property {Uint16Array} position on the sheets of thumbnails
 * @property {Uint8Array} votes people who chose each class, one row an image
 * @property {Uint8Array} agreement band
 * @property {Uint16Array} agreement_share in steps of 1e-4
 * @property {Uint8Array} difficulty how many of the published networks miss it
 * @property {Uint8Array} networks the class that each of them says, one row an image
 * @property {Uint8Array} corrected the label, or the class that people corrected it to
 * @property {Uint16Array} twin training image that is nearly the same; 65535 where none is known
 * @property {Uint8Array} twin_label its label
 * @property {Int8Array} twin_shift how far down and right it must be moved to fit, two a row
 * @property {Uint8Array} twin_held_out 1 where the networks did not learn from it
 * @property {Uint8Array} review_for reviewers who kept the label
 * @property {Uint8Array} review_against reviewers who rejected it; the others said that both fit
 * @property {Uint8Array} review_guess class that reviewers were offered; 255 where none reviewed
 */

/**
 * @typedef {object} ModelColumns
 * @property {Uint8Array} predicted
 * @property {Uint8Array} probabilities in steps of 1/255, one row an image
 * @property {Uint16Array} confidence in steps of 1e-4
 * @property {Uint16Array} loss in steps of 1e-3
 * @property {Uint16Array} margin in steps of 1e-4
 * @property {Uint16Array} entropy in steps of 1e-4
 * @property {Uint8Array} verdict place in the header's verdicts, from 1; 0 for none
 * @property {Uint16Array} [map] x and y in steps of 1/65535
 * @property {Uint16Array} [neighbor_row] row on the sheets of neighbors; 65535 for none
 * @property {Uint16Array} [neighbors] nearest training images, one row an image
 * @property {Uint8Array} [neighbor_labels] their labels
 * @property {Uint16Array} [nearest_right] nearest test image that the model gets right
 */

/**
 * Columns about the channels of a model, in a pack of their own.
 * @typedef {object} ChannelColumns
 * @property {Uint16Array} tops test images that excite a channel most, `images` a channel
 * @property {Uint8Array} profile of a channel, the mean by class: steps of 1/255 of the largest
 */

/** @typedef {{[slice: `slice_${string}`]: Uint8Array}} SliceColumns the group of each image */
/** @typedef {{[rank: `rank_${number}`]: Uint16Array}} RankColumns places in the order of a sort */

/**
 * Where a column lies.
 * @typedef {object} Described
 * @property {string} name
 * @property {keyof typeof ARRAYS} dtype
 * @property {number[]} shape
 * @property {number} offset in bytes, from the first column
 */

/**
 * One pack; `ImagesPack` and `ModelPack` say what its header holds.
 * @typedef {object} Pack
 * @property {any} header as Python wrote it, with the texts in the language of the page
 * @property {number} count rows
 * @property {ImageColumns & SliceColumns & ModelColumns & RankColumns & ChannelColumns} columns those of its kind,
 *   row-major; a column of width k has k values a row
 */

/** @typedef {Omit<Pack, 'header'> & {header: ImagesHeader}} ImagesPack */
/** @typedef {Omit<Pack, 'header'> & {header: ModelHeader}} ModelPack */

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
    throw new Error(
      t("This page reads data of format {format}, not {found}: reload it.", {
        format: FORMAT,
        found: header.format,
      }),
    );
  }
  const start = Math.ceil((4 + length) / 8) * 8;
  /** @type {Described[]} */
  const described = header.columns;
  const columns = described.map(({ name, dtype, shape, offset }) => {
    const size = shape.reduce((product, side) => product * side, 1);
    return { [name]: new ARRAYS[dtype](buffer, start + offset, size) };
  });
  const count = described.at(-1)?.shape[0] ?? header.count ?? 0;
  return { header: inWords(header), count, columns: Object.assign({}, ...columns) };
}

/** Return a header with its texts in the language of the page. @param {any} header */
function inWords(header) {
  const { kind, classes, slices, verdicts } = header;
  /** @param {string[]} texts */
  const all = (texts) => texts.map((text) => t(text));
  return {
    ...header,
    ...(classes && { classes: all(classes), recorded: classes }),
    ...(kind === "images" && {
      slices: slices.map(({ key, title, groups, details }) => ({
        key,
        title: t(title),
        groups: all(groups),
        details: details.map(heard),
      })),
    }),
    ...(verdicts && {
      verdicts: verdicts.map(({ title, rule, ...verdict }) => ({
        ...verdict,
        title: t(title),
        recorded: title,
        rule: t(rule),
      })),
    }),
  };
}
