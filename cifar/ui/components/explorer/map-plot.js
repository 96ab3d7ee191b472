/** The square of the map with its points: zooming, moving, drawing areas, and the tip. */

import { el, setText } from "../shared/dom.js";
import { plural } from "../shared/language.js";
import { caption } from "./captions.js";
import { createPointer } from "./map-pointer.js";
import { inside, nearest } from "./points.js";
import { drawScatter } from "./scatter.js";
import { WHOLE, bounded, placeOf, pointOf, zoomed } from "./viewport.js";

/** @import { Actions, State } from "./explorer.js" */

/** Coordinates in the packs run from 0 to this. */
const FULL = 65535;
/** The share of the plot's side that is left free all round, so that no point is cut. */
const RIM = 0.02;
/** How far from a point the pointer may be, in screen pixels. */
const NEAR = 8;

/** Return the places of a pack's points, from 0 to 1. @param {ArrayLike<number>} [coordinates] */
export const placesOf = (coordinates = []) =>
  Float32Array.from(coordinates, (value) => RIM + ((1 - 2 * RIM) * value) / FULL);

/**
 * @param {Pick<Actions, 'setArea'|'pick'|'sheets'>} actions
 * @param {() => void} redraw called when size or viewport have changed
 */
export function createPlot({ setArea, pick, sheets }, redraw) {
  const canvas = el("canvas");
  const tip = createTip(sheets);
  const pointer = createPointer(canvas, {
    placeOf: placeAt,
    pointOf: (x, y) => pointOf(viewport, x, y, side),
    move: (dx, dy) =>
      setViewport({ ...viewport, left: viewport.left + dx, top: viewport.top + dy }),
    hover,
    pinch: (factor, at) => setViewport(zoomed(viewport, factor, shareOf(at))),
    leave: tip.hide,
    click,
    select,
  });
  const node = el("div.plot", {}, canvas, pointer.node, tip.node);
  let state = /** @type {State} */ (null);
  /** @type {Float32Array} */
  let points = placesOf();
  let viewport = WHOLE;
  /** Pixels along the plot's side. They are kept because reading them lays out the page. */
  let side = 0;

  function setViewport(wanted) {
    viewport = bounded(wanted);
    node.toggleAttribute("data-zoomed", viewport.scale > 1);
    redraw();
  }

  /** @returns {import('./viewport.js').Point} as shares of the plot's sides */
  function shareOf(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  function placeAt(event) {
    return placeOf(viewport, shareOf(event));
  }

  function nearestTo(event) {
    return nearest(points, placeAt(event), NEAR / side / viewport.scale, state.fails);
  }

  function click(event) {
    const index = nearestTo(event);
    if (index >= 0) pick(index);
    else setArea(null);
  }

  function select(corners, what) {
    const mask = inside(points, corners);
    setArea({ mask, count: mask.reduce((sum, bit) => sum + bit, 0), what });
  }

  function hover(event) {
    if (event.pointerType === "touch") return;
    const index = nearestTo(event);
    node.classList.toggle("on-point", index >= 0);
    if (index < 0) return tip.hide();
    tip.show(state, index, pointOf(viewport, points[2 * index], points[2 * index + 1], side), side);
  }

  function onWheel(event) {
    const next = zoomed(viewport, Math.exp(-event.deltaY / 300), shareOf(event));
    if (next.scale === viewport.scale) return; // the page scrolls on
    event.preventDefault();
    setViewport(next);
  }
  node.addEventListener("wheel", onWheel, { passive: false });

  const observer = new ResizeObserver(() => {
    side = node.clientWidth;
    redraw();
  });
  observer.observe(node);

  return {
    node,
    destroy: () => observer.disconnect(),
    zoom: (factor) => setViewport(zoomed(viewport, factor)),
    reset: () => setViewport(WHOLE),
    /** @param {import('./map-pointer.js').Tool} tool */
    setTool(tool) {
      node.dataset.tool = tool;
      pointer.setTool(tool);
    },
    /** @param {Float32Array} places */
    setPoints(places) {
      points = places;
      canvas.setAttribute("role", "img");
      canvas.setAttribute(
        "aria-label",
        plural(
          points.length / 2,
          "{n} image as points, coloured by class or outcome",
          "{n} images as points, coloured by class or outcome",
        ),
      );
    },
    /** @param {State} next */
    update(next) {
      state = next;
      if (!state.area) pointer.clear();
    },
    /** Whether the plot has been laid out and is on the page. */
    get visible() {
      return side > 0 && node.isConnected;
    },
    /**
     * Draw the points of a visible plot.
     * @param {Pick<import('./scatter.js').Scatter,
     *   'colors'|'colorOf'|'ring'|'names'|'ink'|'paper'>} colors
     */
    draw(colors) {
      drawScatter(canvas, { ...state, ...colors, viewport, side, points });
      pointer.redraw();
    },
  };
}

/** Make the image and the words that are shown beside a point. @param {Actions['sheets']} sheets */
function createTip(sheets) {
  const picture = el("span.pixels");
  const words = el("span");
  const node = el("div.tip", { hidden: true, "aria-hidden": "true" }, picture, words);
  return {
    node,
    hide: () => (node.hidden = true),
    show(data, index, [x, y], side) {
      node.hidden = false;
      sheets().paint(picture, index, 2);
      setText(words, caption(data, index));
      const flip = x > side / 2;
      node.style.left = flip ? "auto" : `${x + 12}px`;
      node.style.right = flip ? `${side - x + 12}px` : "auto";
      node.style.top = `${Math.min(Math.max(0, y - 20), side - 80)}px`;
    },
  };
}
