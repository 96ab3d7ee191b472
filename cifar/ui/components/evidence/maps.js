/** Heat maps beside each other on one scale, their contrast, and how they are drawn. */

import { markOf } from "../shared/bars.js";
import { el, fill, setText } from "../shared/dom.js";
import { colourTable, drawContrast, drawHeat, peak } from "../shared/heat.js";
import { parts, t } from "../shared/language.js";
import { layersOf } from "./layers.js";
import { createMapControls } from "./map-controls.js";
import { createContrastFigure, createMapFigure, createMapScale } from "./map-figures.js";
import { createReading } from "./reading.js";
import { highestPlace, writer } from "./units.js";

/**
 * Leave out a second map that is the first again, as of a method that asks for no class.
 * @param {import('../shared/heat.js').HeatMap[]} maps
 */
const distinct = ([first, second]) =>
  second && second.values.some((value, k) => value !== first.values[k]) ? [first, second] : [first];

/**
 * Say where each map is brightest.
 * @param {[Node, import('../shared/heat.js').HeatMap][]} named
 */
function inWords(named) {
  const lit = named.filter(([, map]) => peak([map]) > 0);
  if (!lit.length) return t("Nothing in the picture speaks for what is shown here.");
  const [[one, here], [other, there] = []] = lit;
  if (!other)
    return parts("Bright places speak for a class. Brightest: the {place} for {name}.", {
      place: highestPlace(here),
      name: one,
    });
  return parts(
    "Bright places speak for a class. Brightest: the {here} for {one}, the {there} for {other}.",
    { here: highestPlace(here), one, there: highestPlace(there), other },
  );
}

/** @param {string[]} classes @param {{sequential: string[], diverging: string[]}} colors */
export function createMaps(classes, colors) {
  const tables = {
    sequential: colourTable(colors.sequential),
    diverging: colourTable(colors.diverging),
  };
  const reading = createReading(classes, () => answer && { ...answer, layers });
  const figures = ["a", "b"].map((name) => createMapFigure(name, reading.watch));
  const contrast = createContrastFigure(colors.diverging, reading.watch);
  const canvases = [...figures, contrast].map(({ canvas }) => canvas);
  const scale = createMapScale(colors.sequential);
  const controls = createMapControls({ draw, resample, present });
  const pair = el(
    "div.pair",
    {},
    figures.map((figure) => figure.node),
    scale.node,
    contrast.node,
  );
  const waiting = el("p.waiting", { role: "status" });
  const brightest = el("p.brightest");
  const node = el("div.evidence-maps", {}, brightest, pair, waiting, reading.node);
  /** @type {HTMLCanvasElement} */
  let image = null;
  /** @type {import('./evidence.js').Answer|null} */
  let answer = null;
  /** @type {import('./layers.js').Layer[]} */
  let layers = [];

  function draw() {
    layers.forEach(({ values, empty, contrast: contrasting }, k) => {
      // An empty layer shows the image alone: no color would add anything.
      const shown = empty ? null : values;
      const paint = contrasting ? drawContrast : drawHeat;
      const table = contrasting ? tables.diverging : tables.sequential;
      paint(canvases[k], image, shown, controls.strength, table);
    });
  }

  function resample() {
    if (!answer) return;
    layers = layersOf(distinct(answer.maps), controls.smooth, controls.contrasted);
    draw();
    reading.refresh();
  }

  function present() {
    const { unit, predicted, label } = answer;
    const maps = distinct(answer.maps);
    const top = peak(maps);
    const className = ({ target }) => {
      const mark = markOf(target, label, predicted);
      return el(mark ? `b.${mark}` : "b", {}, classes[target]);
    };
    scale.show(unit, top, maps.length);
    figures.forEach((figure, k) => {
      figure.node.hidden = k >= maps.length;
      if (maps[k]) figure.show(maps[k], className(maps[k]), writer(unit, top));
    });
    fill(brightest, inWords(maps.map((map) => [className(map), map])));
    controls.setClasses(maps.map(({ target }) => classes[target]));
    contrast.node.hidden = !controls.contrasted;
    resample();
    if (controls.contrasted) contrast.show(layers[2], unit, maps.map(className));
  }

  return {
    node,
    /** What sets one class against the other. */
    contrasting: controls.contrasting,
    /** How the maps are drawn. */
    drawing: controls.drawing,

    /** @param {import('./evidence.js').Answer} next @param {HTMLCanvasElement} picture 32x32 */
    show(next, picture) {
      answer = next;
      image = picture;
      pair.classList.remove("pending");
      setText(waiting, "");
      present();
    },

    /**
     * Dim what is shown until the next maps are here, or hide maps of another picture.
     * @param {string} words @param {boolean} [other]
     */
    wait(words, other = false) {
      node.hidden = false;
      pair.classList.add("pending");
      pair.classList.toggle("vacant", other);
      setText(waiting, words);
    },

    /** Return how the maps are drawn, as the visitor chose. */
    settings: () => ({ strength: controls.strength, smooth: controls.smooth }),

    /** Return what is drawn now: canvases and their captions. */
    drawn: () =>
      (answer ? distinct(answer.maps) : []).map((_, k) => ({
        canvas: figures[k].canvas,
        words: figures[k].caption.textContent,
      })),
  };
}
