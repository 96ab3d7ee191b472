/**
 * The largest terms of a sum as bars, each with the place in the picture that it comes from and the
 * test images that excite its channel most.
 */

import { ranked } from "../shared/bars.js";
import { el, fill, portion, setAria } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { plural, t } from "../shared/language.js";
import { decimal } from "../shared/words.js";
import { largest, termsOf } from "./account.js";
import { signed } from "./units.js";

/** Channels shown for a class, and against it. */
const MOST = 5;
/** Test images shown of each. */
const IMAGES = 5;
/** How much of the picture is seen outside of a term's place. */
const DIM = 0.3;

/**
 * What is known of the channels of a network.
 * @typedef {object} Channels
 * @property {(model: string) => Promise<import('../explorer/pack.js').Pack>} of a model
 * @property {(index: number) => Promise<HTMLCanvasElement>} image a test image
 */

/**
 * What is drawn.
 * @typedef {object} Drawn
 * @property {import('./account.js').Account} account
 * @property {import('../explorer/pack.js').Pack} [pack] of the channels
 * @property {HTMLCanvasElement} picture 32x32
 * @property {number} one class
 * @property {number|null} other class, if the sum is how far one is above it
 * @property {Set<number>} removed channels
 */

/** Write a term: two digits, with its sign. @param {number} value */
export const withSign = (value) => signed(value, (size) => decimal(size, 2));

/**
 * @param {string[]} classes
 * @param {Channels|undefined} channels
 * @param {() => void} changed called after a channel was removed or put back
 */
export function createTerms(classes, channels, changed) {
  const node = el("ol.terms");

  /** @param {Drawn} drawn */
  function draw({ account, pack, picture, one, other, removed }) {
    const { constant, cells, size } = account;
    const terms = termsOf(account, one, other);
    const chosen = largest(terms, MOST);
    const total = terms.reduce((sum, term) => sum + term, 0);
    const others = chosen.reduce((left, channel) => left - terms[channel], total);
    const alone = constant[one] - (other === null ? 0 : constant[other]);
    const top = Math.max(
      ...[...chosen.map((channel) => terms[channel]), others, alone].map(Math.abs),
    );
    const remainder = plural(
      terms.length - chosen.length,
      "{n} other channel",
      "{n} other channels",
    );
    fill(node, [
      ...chosen.map((channel) =>
        el(
          "li",
          {},
          switchOf(channel, removed),
          placeOf(picture, cells[channel], size),
          bar(terms[channel], top),
          pack && imagesOf(channel, pack),
        ),
      ),
      el("li.rest", {}, el("span", {}, remainder), bar(others, top)),
      el("li.rest", {}, el("span", {}, t("without any channel")), bar(alone, top)),
    ]);
  }

  /** Make the button that takes a channel out of the sum. */
  function switchOf(/** @type {number} */ channel, /** @type {Set<number>} */ removed) {
    const title = t("Switch it off, and see the answer without it");
    const button = el(
      "button.chip",
      {
        ...{ title, "aria-pressed": String(!removed.has(channel)) },
        onclick() {
          if (!removed.delete(channel)) removed.add(channel);
          setAria(button, "pressed", !removed.has(channel));
          changed();
        },
      },
      t("channel {n}", { n: String(channel) }),
    );
    return button;
  }

  /**
   * Show the test images that excite a channel most, and the classes that do so on average.
   * @param {number} channel
   * @param {import('../explorer/pack.js').Pack} pack
   */
  function imagesOf(channel, { header, columns: { tops, profile } }) {
    const start = channel * header.images;
    const places = [...tops.subarray(start, start + IMAGES)].map((index) => {
      const place = el("span.top", { title: `#${index}` });
      channels.image(index).then(
        (canvas) => fill(place, canvas),
        () => {}, // the bar says what counts
      );
      return place;
    });
    const row = profile.subarray(channel * classes.length, (channel + 1) * classes.length);
    const [most, second] = ranked([...row]);
    const names = t("most for {one}, then {other}", {
      one: classes[most],
      other: classes[second],
    });
    return el("span.excites", {}, el("span.tops", {}, places), el("small.quiet", {}, names));
  }

  return { node, draw };
}

/** Make a bar to the right or left of the middle, and its number. */
const bar = (/** @type {number} */ term, /** @type {number} */ top) => {
  const half = Math.abs(term) / top / 2;
  const style = { width: portion(half), left: portion(term < 0 ? 0.5 - half : 0.5) };
  return [
    el("span.term", { "aria-hidden": "true" }, el(term < 0 ? "i.against" : "i.for", { style })),
    el("span.value", {}, withSign(term)),
  ];
};

/**
 * Draw the picture with the cell that a term comes from.
 * @param {HTMLCanvasElement} picture
 * @param {number} cell
 * @param {number} size of the map
 */
function placeOf(picture, cell, size) {
  const [row, column] = [Math.floor(cell / size), cell % size];
  const canvas = el("canvas.spot", {
    ...{ role: "img", width: SIDE, height: SIDE },
    "aria-label": t("from row {row}, column {column} of {size}", {
      ...{ row: row + 1, column: column + 1, size },
    }),
  });
  const pen = canvas.getContext("2d");
  const side = SIDE / size;
  const box = /** @type {const} */ ([column * side, row * side, side, side]);
  pen.fillRect(0, 0, SIDE, SIDE);
  pen.globalAlpha = DIM;
  pen.drawImage(picture, 0, 0, SIDE, SIDE);
  pen.globalAlpha = 1;
  pen.drawImage(picture, ...box, ...box);
  return canvas;
}
