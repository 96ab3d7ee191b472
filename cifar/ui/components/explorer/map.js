/**
 * The test images as points, alike ones close together; a box or a lasso on it filters.
 */

import { choice, drawing, el, fill, setText } from "../shared/dom.js";
import { images as imagesInWords } from "../shared/words.js";
import { caption } from "./captions.js";

/** Coordinates in the packs run from 0 to this. */
const FULL = 65535;
/** Of the plot's side, left free all round, so that no point is cut. */
const RIM = 0.02;
/** How far from a point the pointer may be, in screen pixels. */
const NEAR = 8;
/** What points outside the selection keep of their colour. */
const FADED = 0.13;
const ZOOM = 1.6;
const MOST_ZOOM = 40;

/**
 * Ten colours a theme that keep apart under the common kinds of colour blindness and stand at 3:1
 * or more from the background; chosen by search over OKLab distances, neighbours on the map apart.
 */
const PALETTE = {
  light: [
    "#460d9f",
    "#b34808",
    "#5f9e7c",
    "#f66209",
    "#792e0c",
    "#258ffe",
    "#710053",
    "#a9246b",
    "#8175b4",
    "#504fd3",
  ],
  dark: [
    "#506aee",
    "#c7c610",
    "#20bea2",
    "#bd8d0d",
    "#bd4950",
    "#98d3ff",
    "#95f8be",
    "#fcf927",
    "#a695fd",
    "#3285a2",
  ],
};

/**
 * @param {string[]} classes
 * @param {object} actions
 * @param {(area: {mask: Uint8Array, count: number, what: string}|null) => void} actions.setArea
 * @param {(index: number) => void} actions.pick
 * @param {(patch: Partial<import('./view.js').View>) => void} actions.change
 * @param {() => ReturnType<typeof import('./sheets.js').createSheets>} actions.sheets
 */
export function createMap(classes, { setArea, pick, change, sheets }) {
  const canvas = el("canvas");
  const shape = drawing("polygon");
  const outline = drawing("svg", { "aria-hidden": "true" }, shape);
  const picture = el("span.pixels");
  const words = el("span");
  const tip = el("div.tip", { hidden: true, "aria-hidden": "true" }, picture, words);
  const plot = el("div.plot", {}, canvas, outline, tip);
  const colours = choice(
    "Colour by",
    [
      { value: "class", text: "class" },
      { value: "outcome", text: "right or wrong" },
    ],
    (value) => {
      colour = value;
      redraw();
    },
  );
  const tools = choice(
    "What dragging does",
    [
      { value: "lasso", text: "lasso" },
      { value: "box", text: "box" },
      { value: "move", text: "move" },
    ],
    (value) => {
      tool = value;
      tools.set(tool);
      plot.dataset.tool = tool;
    },
  );
  const button = (text, label, act) =>
    el("button.small", { "aria-label": label, title: label, onclick: act }, text);
  const zooms = el(
    "div.zooms",
    {},
    button("−", "zoom out", () => zoom(1 / ZOOM)),
    button("+", "zoom in", () => zoom(ZOOM)),
    button("reset", "reset to the whole map", () => setZoom(1, 0, 0)),
  );
  const legend = el("ul.keys");
  const none = el("p", {}, "This model has no map.");
  const body = el(
    "div",
    {},
    el("div.tools", {}, tools.node, zooms, colours.node),
    plot,
    legend,
    el(
      "p.quiet",
      {},
      "Images that the network finds alike lie close together; distances across the map mean little. ",
      "Points outside the selection are faint. ",
      "Everything that can be reached here by pointer can be reached with the filters by keyboard.",
    ),
  );
  const node = el(
    "div.map",
    {},
    el(
      "p.lead",
      {},
      el("b", {}, "Map"),
      " of all test images. Draw around some of them to see them.",
    ),
    none,
    body,
  );

  let tool = "lasso";
  let colour = "class";
  let state = null;
  /** Positions from 0 to 1, interleaved; those of the model that was drawn last. */
  let points = new Float32Array(0);
  let model = null;
  let scale = 1;
  let left = 0;
  let top = 0;
  /** Corners of the area, from 0 to 1, interleaved. */
  let corners = [];
  let drag = null;
  tools.set(tool);
  plot.dataset.tool = tool;

  /** Pixels along the plot's side; kept, because to ask for it makes the browser lay out the page. */
  let side = 0;
  const toX = (x) => (x - left) * scale * side;
  const toY = (y) => (y - top) * scale * side;
  function fromEvent(event) {
    const box = canvas.getBoundingClientRect();
    return [
      (event.clientX - box.left) / box.width / scale + left,
      (event.clientY - box.top) / box.height / scale + top,
    ];
  }

  function setZoom(next, x, y) {
    scale = Math.min(MOST_ZOOM, Math.max(1, next));
    left = Math.min(1 - 1 / scale, Math.max(0, x));
    top = Math.min(1 - 1 / scale, Math.max(0, y));
    redraw();
  }

  /** Zoom so that a point, from 0 to 1 across the plot, stays where it is. */
  function zoom(by, x = 0.5, y = 0.5) {
    const next = Math.min(MOST_ZOOM, Math.max(1, scale * by));
    setZoom(next, left + x / scale - x / next, top + y / scale - y / next);
  }

  plot.addEventListener(
    "wheel",
    (event) => {
      // Plain scrolling stays the page's; a pinch arrives as a wheel with Ctrl.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      zoom(
        Math.exp(-event.deltaY / 200),
        (event.clientX - box.left) / box.width,
        (event.clientY - box.top) / box.height,
      );
    },
    { passive: false },
  );

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    drag = {
      start: fromEvent(event),
      at: [event.clientX, event.clientY],
      path: fromEvent(event),
      moved: false,
      left,
      top,
    };
    tip.hidden = true;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return hover(event);
    const far = Math.hypot(event.clientX - drag.at[0], event.clientY - drag.at[1]);
    if (!drag.moved && far < 4) return;
    drag.moved = true;
    const [x, y] = fromEvent(event);
    if (tool === "move") {
      setZoom(scale, left + drag.start[0] - x, top + drag.start[1] - y);
    } else {
      const [x0, y0] = drag.start;
      if (tool === "box") drag.path = [x0, y0, x, y0, x, y, x0, y];
      else drag.path.push(x, y);
      corners = drag.path;
      trace();
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    const done = drag;
    drag = null;
    if (!done) return;
    if (!done.moved) {
      const index = nearest(event);
      if (index >= 0) pick(index);
      else setArea(null);
    } else if (tool !== "move") {
      const mask = inside(points, corners);
      setArea({ mask, count: mask.reduce((sum, bit) => sum + bit, 0), what: tool });
    }
  });
  canvas.addEventListener("pointercancel", () => {
    drag = null;
    corners = [];
    trace();
  });
  canvas.addEventListener("pointerleave", () => (tip.hidden = true));

  /** The test index of the point under the pointer, one of the selection if there is any; or -1. */
  function nearest(event) {
    const [x, y] = fromEvent(event);
    const reach = (NEAR / side / scale) ** 2;
    const best = [-1, -1];
    const distance = [reach, reach];
    for (let i = 0; i < points.length / 2; i++) {
      const d = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
      const out = state.fails[i] ? 1 : 0;
      if (d < distance[out]) {
        distance[out] = d;
        best[out] = i;
      }
    }
    return best[0] >= 0 ? best[0] : best[1];
  }

  function hover(event) {
    if (event.pointerType === "touch") return;
    const index = nearest(event);
    tip.hidden = index < 0;
    plot.classList.toggle("on-point", index >= 0);
    if (index < 0) return;
    sheets().paint(picture, index, 2);
    setText(words, caption(state, index));
    const x = toX(points[2 * index]);
    const y = toY(points[2 * index + 1]);
    const flip = x > side / 2;
    tip.style.left = flip ? "auto" : `${x + 12}px`;
    tip.style.right = flip ? `${side - x + 12}px` : "auto";
    tip.style.top = `${Math.min(Math.max(0, y - 20), side - 80)}px`;
  }

  function trace() {
    let path = "";
    for (let k = 0; k < corners.length; k += 2)
      path += `${toX(corners[k])},${toY(corners[k + 1])} `;
    shape.setAttribute("points", path);
  }

  /** The colours of the points, and their names, for the legend. */
  function keys(theme) {
    if (colour === "class") {
      return classes.map((name, k) => ({ name, colour: PALETTE[theme][k], patch: { true: k } }));
    }
    const style = getComputedStyle(node);
    return [
      { name: "right", colour: style.getPropertyValue("--teal"), patch: { outcome: "right" } },
      { name: "wrong", colour: style.getPropertyValue("--accent"), patch: { outcome: "wrong" } },
    ];
  }

  function redraw() {
    if (!state || !node.isConnected || !side) return;
    const ratio = window.devicePixelRatio || 1;
    const pixels = Math.round(side * ratio);
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    const theme = node.closest(".dark") ? "dark" : "light";
    const all = keys(theme);
    const { label } = state.images.columns;
    const { predicted } = state.model.columns;
    const kind = colour === "class" ? (i) => label[i] : (i) => (label[i] === predicted[i] ? 0 : 1);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, pixels, pixels);
    const factor = scale * pixels;
    // Changing the colour costs more than drawing a point: one sweep a colour, faint ones below.
    const groups = [all.map(() => []), all.map(() => [])];
    for (let i = 0; i < points.length / 2; i++) groups[state.fails[i] ? 0 : 1][kind(i)].push(i);
    const few = state.selection.length < 2500;
    for (const [front, lists] of groups.entries()) {
      const dot = ratio * (front && few ? 3.2 : 2.2) * Math.min(2, scale ** 0.35);
      context.globalAlpha = front ? 0.9 : FADED;
      lists.forEach((list, k) => {
        context.fillStyle = all[k].colour;
        for (const i of list) {
          const x = (points[2 * i] - left) * factor;
          const y = (points[2 * i + 1] - top) * factor;
          if (x > -9 && y > -9 && x < pixels + 9 && y < pixels + 9) {
            context.fillRect(x - dot / 2, y - dot / 2, dot, dot);
          }
        }
      });
    }
    if (state.shown >= 0 && points.length) {
      context.globalAlpha = 1;
      context.lineWidth = 2.5 * ratio;
      context.strokeStyle = getComputedStyle(node).getPropertyValue("--focus");
      context.beginPath();
      context.arc(
        (points[2 * state.shown] - left) * factor,
        (points[2 * state.shown + 1] - top) * factor,
        7 * ratio,
        0,
        7,
      );
      context.stroke();
    }
    trace();
    colours.set(colour);
    fill(
      legend,
      all.map((key) =>
        el(
          "li",
          {},
          el(
            "button",
            {
              "aria-pressed": Object.entries(key.patch).every(
                ([name, value]) => state.view[name] === value,
              ),
              onclick: () => toggle(key.patch),
            },
            el("i", { style: { background: key.colour } }),
            key.name,
          ),
        ),
      ),
    );
  }

  function toggle(patch) {
    const [[name, value]] = Object.entries(patch);
    if (name === "true") change({ true: state.view.true === value ? -1 : value });
    else change({ outcome: state.view.outcome === value ? "all" : value });
  }

  const observer = new ResizeObserver(() => {
    side = plot.clientWidth;
    redraw();
  });
  observer.observe(plot);

  return {
    node,
    redraw,
    destroy: () => observer.disconnect(),
    /** @param {import('./explorer.js').State} next */
    update(next) {
      state = next;
      if (!state.area && !drag) corners = [];
      if (model !== state.model) {
        model = state.model;
        const { map } = model.columns;
        const within = (value) => RIM + ((1 - 2 * RIM) * value) / FULL;
        points = map ? Float32Array.from(map, within) : new Float32Array(0);
        canvas.setAttribute("role", "img");
        canvas.setAttribute(
          "aria-label",
          `${imagesInWords(points.length / 2)} as points, coloured by class or outcome`,
        );
      }
      none.hidden = points.length > 0;
      body.hidden = !points.length;
      redraw();
    },
  };
}

/**
 * Which points lie within a polygon (even-odd rule).
 * @param {Float32Array} points interleaved x, y
 * @param {number[]} corners interleaved x, y
 * @returns {Uint8Array}
 */
export function inside(points, corners) {
  const mask = new Uint8Array(points.length / 2);
  const last = corners.length - 2;
  for (let i = 0; i < mask.length; i++) {
    const x = points[2 * i];
    const y = points[2 * i + 1];
    let odd = 0;
    for (let k = 0, j = last; k < corners.length; j = k, k += 2) {
      const y1 = corners[k + 1];
      const y2 = corners[j + 1];
      if (y1 > y !== y2 > y && x < corners[k] + ((y - y1) / (y2 - y1)) * (corners[j] - corners[k]))
        odd ^= 1;
    }
    mask[i] = odd;
  }
  return mask;
}
