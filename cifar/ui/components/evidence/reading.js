/** The values of all maps at one place, which the pointer or the arrow keys choose. */

import { el, setStyle, setText } from "../shared/dom.js";
import { DRAWN } from "../shared/heat.js";
import { t } from "../shared/language.js";
import { placeInWords, signed, writer } from "./units.js";

const HINT = t("Point at a map to read its values.");

/** @import { HeatMap } from "../shared/heat.js" */
/** @import { Layer } from "./layers.js" */
/** @typedef {{maps: HeatMap[], layers: Layer[], unit: string}} Readable a layer for each map */
/** @typedef {{x: number, y: number}} Place as shares of a map's sides */

/** Return the values of maps at one place in words. @returns {string} */
export function valuesInWords({ maps, layers, unit }, classes, { x, y }) {
  const pixel = (share) => Math.min(DRAWN - 1, Math.max(0, Math.floor(share * DRAWN)));
  const at = pixel(y) * DRAWN + pixel(x);
  const values = maps.map((_, k) => layers[k].values[at] * layers[k].top);
  const write = writer(unit, layers[0].top, 1);
  const words = values.map((value, k) => `${classes[maps[k].target]} ${write(value)}`);
  if (values.length === 2)
    words.push(t("difference {value}", { value: signed(values[0] - values[1], write) }));
  return words.join(" · ");
}

/** @param {string[]} classes @param {() => Readable|null} current what is drawn now */
export function createReading(classes, current) {
  const node = el("p.readout.quiet", {}, HINT);
  /** The marks of the place, one on each map. */
  const marks = [];
  let place = /** @type {Place|null} */ (null);

  /** Read all maps at a place, or nowhere; aloud if screen readers are to announce the values. */
  function read(next, aloud = false) {
    const readable = current();
    place = readable ? next : null;
    for (const mark of marks) {
      mark.hidden = !place;
      if (place) setStyle(mark, { left: `${100 * place.x}%`, top: `${100 * place.y}%` });
    }
    if (aloud) node.setAttribute("aria-live", "polite");
    else node.removeAttribute("aria-live");
    if (!place) return setText(node, HINT);
    const values = valuesInWords(readable, classes, place);
    const where = placeInWords(place.x, place.y);
    setText(node, aloud ? t("{place}: {values}", { place: where, values }) : values);
  }

  /** Move the place by one cell of the map. */
  function walk(event) {
    const step = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key];
    const map = current()?.maps[0];
    if (!step || !map) return;
    event.preventDefault();
    const inside = (share) => Math.min(1, Math.max(0, share));
    const { x, y } = place ?? { x: 0.5, y: 0.5 };
    read({ x: inside(x + step[0] / map.width), y: inside(y + step[1] / map.height) }, true);
  }

  return {
    node,
    /** Read the maps again where they were read last. */
    refresh() {
      if (place) read(place);
    },
    /** Read where a map is pointed at. @param {HTMLCanvasElement} canvas @returns {HTMLElement} a mark */
    watch(canvas) {
      const point = (event) => {
        const { clientX, clientY } = event;
        const { left, top, width, height } = canvas.getBoundingClientRect();
        read({ x: (clientX - left) / width, y: (clientY - top) / height });
      };
      // A reading stays after a finger is lifted.
      const leave = (event) => event.pointerType !== "touch" && read(null);
      for (const type of ["pointermove", "pointerdown"]) canvas.addEventListener(type, point);
      for (const type of ["pointerleave", "pointercancel", "blur"])
        canvas.addEventListener(type, leave);
      canvas.addEventListener("focus", () => {
        if (canvas.matches(":focus-visible")) read({ x: 0.5, y: 0.5 });
      });
      canvas.addEventListener("keydown", walk);
      const mark = el("i.mark", { hidden: true });
      marks.push(mark);
      return mark;
    },
  };
}
