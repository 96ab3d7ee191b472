/** What the pointer does on the map: draw an area, move the map, or pick a point. */

import { drawing } from "../shared/dom.js";

/** How far the pointer must go, in screen pixels, for a drag instead of a click. */
const DRAG = 4;

/** @typedef {'lasso'|'box'|'move'} Tool */
/** @typedef {import('./viewport.js').Point} Point */

/**
 * @typedef {object} PointerActions
 * @property {(event: PointerEvent) => Point} placeOf
 * @property {(x: number, y: number) => Point} pointOf a place in the plot's pixels
 * @property {(dx: number, dy: number) => void} move the map, by shares of its sides
 * @property {(factor: number, at: {clientX: number, clientY: number}) => void} pinch zoom where two
 *   fingers are
 * @property {(event: PointerEvent) => void} hover
 * @property {() => void} leave
 * @property {(event: PointerEvent) => void} click
 * @property {(corners: number[], tool: Tool) => void} select the images within an area
 */

/** @param {HTMLCanvasElement} canvas @param {PointerActions} actions */
export function createPointer(canvas, actions) {
  const { placeOf, pointOf, move, pinch, hover, leave, click, select } = actions;
  const shape = drawing("polygon");
  /** @type {Tool} */
  let tool = "lasso";
  /** @type {{start: Point, clientX: number, clientY: number, moved: boolean}|null} */
  let drag = null;
  /** Corners of the area as places, interleaved. */
  let corners = [];
  /** Where the fingers are. @type {Map<number, {clientX: number, clientY: number}>} */
  const fingers = new Map();

  /** Return how far apart two fingers are, and the place between them. */
  function spread() {
    const [a, b] = fingers.values();
    return {
      distance: Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY)),
      at: { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 },
    };
  }

  function forget() {
    drag = null;
    corners = [];
    drawOutline();
  }

  function drawOutline() {
    const points = [];
    for (let k = 0; k < corners.length; k += 2)
      points.push(pointOf(corners[k], corners[k + 1]).join());
    shape.setAttribute("points", points.join(" "));
  }

  function extend([x, y]) {
    const [x0, y0] = drag.start;
    if (tool === "box") corners = [x0, y0, x, y0, x, y, x0, y];
    else corners.push(x, y);
    drawOutline();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    const { clientX, clientY, pointerId } = event;
    fingers.set(pointerId, { clientX, clientY });
    if (fingers.size > 1) return forget();
    drag = { start: placeOf(event), clientX, clientY, moved: false };
    leave();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (fingers.size === 2) {
      const before = spread();
      fingers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
      const now = spread();
      return pinch(now.distance / before.distance, now.at);
    }
    if (!drag) return hover(event);
    const distance = Math.hypot(event.clientX - drag.clientX, event.clientY - drag.clientY);
    if (!drag.moved && distance < DRAG) return;
    if (!drag.moved && tool !== "move") corners = [...drag.start];
    drag.moved = true;
    const [x, y] = placeOf(event);
    if (tool === "move") move(drag.start[0] - x, drag.start[1] - y);
    else extend([x, y]);
  });
  canvas.addEventListener("pointerup", (event) => {
    fingers.delete(event.pointerId);
    const ended = drag;
    drag = null;
    if (!ended) return;
    if (!ended.moved) click(event);
    else if (tool !== "move") select(corners, tool);
  });
  canvas.addEventListener("pointercancel", (event) => {
    fingers.delete(event.pointerId);
    forget();
  });
  canvas.addEventListener("pointerleave", leave);

  return {
    /** The outline of the area. */
    node: drawing("svg", { "aria-hidden": "true" }, shape),
    /** @param {Tool} next */
    setTool(next) {
      tool = next;
    },
    /** Forget the area, unless one is being drawn. */
    clear() {
      if (!drag) corners = [];
    },
    /** Draw the area where it lies now. */
    redraw: drawOutline,
  };
}
