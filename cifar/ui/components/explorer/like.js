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

/** Images that are shown, and whose median place on the map is the picture's. */
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

  /** @param {import('./pack.js').Pack} model @param {number[]} near */
  function drawPlace(model, near) {
    const points = placesOf(model.columns.map);
    place.hidden = !points.length;
    if (place.hidden) return;
    /** @param {number} axis */
    const median = (axis) =>
      near.map((i) => points[2 * i + axis]).sort((a, b) => a - b)[Math.floor(near.length / 2)];
    const { label } = images.columns;
    const count = points.length / 2;
    const style = getComputedStyle(node);
    const all = new Float32Array(points.length + 2);
    all.set(points);
    all.set([median(0), median(1)], points.length);
    const fails = new Uint16Array(count + 1).fill(1);
    fails[count] = 0;
    map.style.width = `${SIDE}px`;
    drawScatter(map, {
      ...{ viewport: WHOLE, side: SIDE, points: all, fails, selection: Uint16Array.of(count) },
      colors: classKeys(classes, Boolean(node.closest(".dark"))).map(({ color }) => color),
      colorOf: (i) => label[i < count ? i : near[0]],
      ...{ shown: count, names: [] },
      ring: style.getPropertyValue("--focus"),
      ink: style.getPropertyValue("--ink"),
      paper: style.getPropertyValue("--card"),
    });
  }

  return {
    node,
    /**
     * @param {string} name of the model
     * @param {number[]} nearest test images, the nearest first
     */
    async show(name, nearest) {
      const model = await modelOf(name);
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
      drawPlace(model, near);
    },
  };
}
