/** The figures of the heat maps, with their captions and scales. */

import { el, fill, setText } from "../shared/dom.js";
import { DRAWN, peak } from "../shared/heat.js";
import { highestPlace, meaningOf, signed, writer } from "./units.js";

/** @typedef {ReturnType<typeof import('./reading.js').createReading>['watch']} Watch */

function createFigure(name, watch) {
  const canvas = el("canvas", { role: "img", tabindex: 0, width: DRAWN, height: DRAWN });
  const caption = el("figcaption");
  const frame = el("div.map-frame", {}, canvas, watch(canvas));
  const node = el("figure", { "data-map": name }, frame, caption);
  return { node, canvas, caption };
}

function createScale(colors, words) {
  const background = `linear-gradient(90deg, ${colors.join(", ")})`;
  return el(
    "div.scale-of-maps",
    { "aria-hidden": "true" },
    el("div.ramp", { style: { background } }),
    el("div.scale-ends", {}, words),
  );
}

const quiet = (text) => el("span.quiet", {}, text);

/** Make the figure of one heat map. @param {string} name @param {Watch} watch */
export function createMapFigure(name, watch) {
  const { node, canvas, caption } = createFigure(name, watch);
  return {
    node,
    canvas,
    caption,
    /**
     * @param {import('../shared/heat.js').HeatMap} map
     * @param {HTMLElement} className
     * @param {(value: number) => string} write
     */
    show(map, className, write) {
      const top = peak([map]);
      const empty = top <= 0;
      const words = empty ? ": nothing in the image speaks for it here" : `, up to ${write(top)}`;
      fill(caption, "for ", className, quiet(words));
      const place = empty ? "empty" : `highest at the ${highestPlace(map)}`;
      canvas.setAttribute("aria-label", `heat map for ${className.textContent}, ${place}`);
    },
  };
}

/** Make the scale that all heat maps share. @param {string[]} colors */
export function createMapScale(colors) {
  const meaning = el("span");
  const high = el("span");
  const node = createScale(colors, [el("span", {}, "0"), meaning, high]);
  return {
    node,
    /** @param {string} unit @param {number} top end of the scale @param {number} maps on the scale */
    show(unit, top, maps) {
      setText(meaning, meaningOf(unit) + (maps > 1 ? ", one scale" : ""));
      setText(high, writer(unit, top)(top));
      node.hidden = top <= 0;
    },
  };
}

/** Make the figure that sets one class against another. @param {string[]} colors @param {Watch} watch */
export function createContrastFigure(colors, watch) {
  const { node, canvas, caption } = createFigure("contrast", watch);
  const ends = [el("span"), el("span")];
  const scale = createScale(colors, [ends[0], el("span", {}, "0"), ends[1]]);
  node.hidden = true;
  node.append(scale);
  return {
    node,
    canvas,
    /** @param {import('./layers.js').Layer} layer @param {string} unit @param {HTMLElement[]} names */
    show({ top, empty }, unit, [one, other]) {
      const write = writer(unit, top);
      const [first, second] = [one.textContent, other.textContent];
      fill(caption, one, " rather than ", other, empty && quiet(": both maps are the same"));
      canvas.setAttribute("aria-label", `contrast map, ${first} rather than ${second}`);
      scale.hidden = empty;
      setText(ends[0], `${second} ${signed(-top, write)}`);
      setText(ends[1], `${signed(top, write)} ${first}`);
    },
  };
}
