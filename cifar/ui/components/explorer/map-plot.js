/** The square of the map with its points: zooming, moving, drawing areas, and the tip. */

import { el } from "../shared/dom.js";
import { images as imagesInWords } from "../shared/words.js";
import { createPointer } from "./map-pointer.js";
import { createTip } from "./map-tip.js";
import { inside, nearest } from "./points.js";
import { drawScatter } from "./scatter.js";
import { WHOLE, bounded, placeOf, pointOf, zoomed } from "./viewport.js";

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
 * @param {object} actions
 * @param {(area: import('./explorer.js').Area|null) => void} actions.setArea
 * @param {(index: number) => void} actions.pick
 * @param {() => void} actions.redraw called when size or viewport have changed
 * @param {() => ReturnType<typeof import('./sheets.js').createSheets>} actions.sheets
 */
export function createPlot({ setArea, pick, redraw, sheets }) {
  const canvas = el("canvas");
  const tip = createTip(sheets);
  const pointer = createPointer(canvas, {
    placeOf: (event) => placeOf(viewport, shareOf(event)),
    move: (dx, dy) =>
      setViewport({ ...viewport, left: viewport.left + dx, top: viewport.top + dy }),
    hover,
    leave: tip.hide,
    click,
    select,
  });
  const node = el("div.plot", {}, canvas, pointer.node, tip.node);
  /** @type {import('./explorer.js').State} */
  let state = null;
  /** @type {Float32Array} */
  let points = placesOf();
  let viewport = WHOLE;
  /** Pixels along the plot's side. They are kept because reading them lays out the page. */
  let side = 0;

  function setViewport(wanted) {
    viewport = bounded(wanted);
    redraw();
  }

  /** @param {MouseEvent} event @returns {[number, number]} as shares of the plot's sides */
  function shareOf(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  function nearestTo(event) {
    const reach = NEAR / side / viewport.scale;
    return nearest(points, placeOf(viewport, shareOf(event)), reach, state.fails);
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
    // Plain scrolling stays the page's; a pinch arrives as a wheel with Ctrl.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    setViewport(zoomed(viewport, Math.exp(-event.deltaY / 200), shareOf(event)));
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
        `${imagesInWords(points.length / 2)} as points, coloured by class or outcome`,
      );
    },
    /** @param {import('./explorer.js').State} next */
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
     * @param {Pick<import('./scatter.js').Scatter, 'colors'|'colorOf'|'ring'>} colors
     */
    draw(colors) {
      const { fails, selection, shown } = state;
      const selected = selection.length;
      drawScatter(canvas, { ...colors, viewport, side, points, fails, selected, shown });
      pointer.redraw(viewport, side);
    },
  };
}
