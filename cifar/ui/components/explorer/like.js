/** The test images that are most like a visitor's picture, and where it lies among all of them. */

import { el, fill, setText } from "../shared/dom.js";
import { plural, t } from "../shared/language.js";
import { percent } from "../shared/words.js";
import { classKeys } from "./map-colors.js";
import { placesOf } from "./map-plot.js";
import { readPack } from "./pack.js";
import { drawScatter } from "./scatter.js";
import { createTestSheets } from "./sheets.js";
import { WHOLE } from "./viewport.js";

/** Images that are shown; the one in their middle is where the picture lies on the map. */
const SHOWN = 8;
/** Screen pixels for each of an image's. */
const SCALE = 2;
/** Pixels along the map's side. */
const SIDE = 220;

/**
 * @param {object} page
 * @param {(name: string) => Promise<ArrayBuffer>} page.pack
 * @param {(k: number) => Promise<string>} page.sheet
 * @param {(index: number) => void} page.open show a test image in the explorer
 */
export async function createLike({ pack, sheet, open }) {
  const images = await pack("images").then(readPack);
  const { classes, networks } = images.header;
  /** @type {Map<string, Promise<import('./pack.js').Pack>>} */
  const models = new Map();
  const sheets = createTestSheets(sheet, images, paint);
  const share = el("p");
  const strip = el("div.neighbours");
  const map = el("canvas", { role: "img", "aria-label": t("The picture among all test images") });
  const place = el(
    "figure.place",
    {},
    map,
    el("figcaption.quiet", {}, t("where it lies on the map")),
  );
  const node = el("div.like-body", {}, share, strip, place);
  /** @type {Array<[HTMLElement, number]>} */
  let pictures = [];

  function paint() {
    for (const [picture, index] of pictures) sheets.paint(picture, index, SCALE);
  }

  /** @param {string} name */
  function modelOf(name) {
    if (!models.has(name)) {
      const coming = pack(name).then(readPack);
      models.set(name, coming);
      coming.catch(() => models.delete(name)); // it may be there the next time
    }
    return models.get(name);
  }

  /** @param {import('./pack.js').Pack} model @param {number} index */
  function tile(model, index) {
    const { label, difficulty } = images.columns;
    const [truth, said] = [label[index], model.columns.predicted[index]];
    const picture = el("span.pixels");
    pictures.push([picture, index]);
    const missed = t("{n} of {all} networks miss it", {
      ...{ n: difficulty[index], all: networks.length },
    });
    return el(
      "button",
      { title: `#${index}, ${missed}`, onclick: () => open(index) },
      picture,
      el("b.true", {}, classes[truth]),
      said !== truth &&
        el("small.said", {}, t("seen as {predicted}", { predicted: classes[said] })),
      difficulty[index] > 0 && el("small.quiet", {}, missed),
    );
  }

  /** @param {{model: import('./pack.js').Pack, near: number[]}} of */
  function drawPlace({ model, near }) {
    const points = placesOf(model.columns.map);
    place.hidden = !points.length;
    if (place.hidden) return;
    const middle = middleOf(near, points);
    const { label } = images.columns;
    const style = getComputedStyle(node);
    const fails = new Uint16Array(images.count).fill(1);
    for (const i of near) fails[i] = 0;
    map.style.width = `${SIDE}px`;
    drawScatter(map, {
      ...{ viewport: WHOLE, side: SIDE, points, fails, selection: Uint16Array.from(near) },
      colors: classKeys(classes, Boolean(node.closest(".dark"))).map(({ color }) => color),
      colorOf: (i) => label[i],
      ...{ shown: middle, names: [] },
      ring: style.getPropertyValue("--focus"),
      ink: style.getPropertyValue("--ink"),
      paper: style.getPropertyValue("--card"),
    });
  }

  /** @type {{model: import('./pack.js').Pack, near: number[]}|null} */
  let shown = null;
  // The page switches its theme by a class.
  const theme = new MutationObserver(() => shown && drawPlace(shown));
  for (const root of [document.documentElement, document.body])
    theme.observe(root, { attributes: true, attributeFilter: ["class"] });
  return {
    node,
    modelOf,
    /**
     * @param {import('./pack.js').Pack} model
     * @param {number[]} nearest test images, the nearest first
     */
    show(model, nearest) {
      const { label } = images.columns;
      const right = nearest.filter((i) => model.columns.predicted[i] === label[i]).length;
      setText(
        share,
        plural(
          nearest.length,
          "Of the {n} test image most like it, the network gets {right} right ({share}).",
          "Of the {n} test images most like it, the network gets {right} right ({share}).",
          { right, share: percent(right / nearest.length) },
        ),
      );
      const near = nearest.slice(0, SHOWN);
      pictures = [];
      fill(
        strip,
        near.map((index) => tile(model, index)),
      );
      paint();
      shown = { model, near };
      drawPlace(shown);
    },
  };
}

/**
 * Return the image in the middle of some: the one with the least distance to all others.
 * @param {number[]} among
 * @param {Float32Array} points interleaved
 */
function middleOf(among, points) {
  /** @param {number} i @param {number} j */
  const distance = (i, j) =>
    Math.hypot(points[2 * i] - points[2 * j], points[2 * i + 1] - points[2 * j + 1]);
  const sums = among.map((i) => among.reduce((sum, j) => sum + distance(i, j), 0));
  return among[sums.indexOf(Math.min(...sums))];
}
