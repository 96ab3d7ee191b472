/** The map: all test images as points, similar ones close together, and a legend that filters. */

import { choice, el, fill } from "../shared/dom.js";
import { parts, t } from "../shared/language.js";
import { classKeys, legendEntry, outcomeKeys } from "./map-colors.js";
import { createPlot, placesOf } from "./map-plot.js";

/** @import { Actions, State } from "./explorer.js" */

const ZOOM = 1.6;
const COLORINGS = [
  { value: "class", text: t("class") },
  { value: "outcome", text: t("right or wrong") },
];
/** With a finger, dragging moves the map. */
const FIRST_TOOL = matchMedia("(pointer: coarse)").matches ? "move" : "lasso";
const TOOLS = [
  { value: "lasso", text: t("lasso") },
  { value: "box", text: t("box") },
  { value: "move", text: t("move") },
];

/** @param {string[]} classes @param {Pick<Actions, 'setArea'|'pick'|'change'|'sheets'>} actions */
export function createMap(classes, { setArea, pick, change, sheets }) {
  const plot = createPlot({ setArea, pick, sheets }, redraw);
  const colorings = choice(t("Colour by"), COLORINGS, (value) => {
    coloring = value;
    redraw();
  });
  const tools = choice(t("What dragging does"), TOOLS, setTool);
  const legend = el("ul.keys");
  const none = el("p", {}, t("This model has no map."));
  const body = el(
    "div",
    {},
    el("div.tools", {}, tools.node, zoomButtons(plot), colorings.node),
    plot.node,
    legend,
    el(
      "p.quiet",
      {},
      t(
        "Images that the network finds alike lie close together; distances across the map mean " +
          "little. Points outside the selection are faint. Everything that can be reached here " +
          "by pointer can be reached with the filters by keyboard.",
      ),
    ),
  );
  const lead = parts("{map} of all test images. Draw around some of them to see them.", {
    map: el("b", {}, t("Map")),
  });
  const node = el("div.map", {}, el("p.lead", {}, lead), none, body);
  let coloring = "class";
  /** The names of the classes, and where most of their images are. @type {ReturnType<typeof middles>} */
  let names = [];
  let state = /** @type {State} */ (null);
  setTool(FIRST_TOOL);

  function setTool(tool) {
    tools.set(tool);
    plot.setTool(tool);
  }

  function redraw() {
    if (!state || !plot.visible) return;
    const { label } = state.images.columns;
    const { predicted } = state.model.columns;
    const style = getComputedStyle(node);
    const byClass = coloring === "class";
    const keys = byClass ? classKeys(classes, Boolean(node.closest(".dark"))) : outcomeKeys(style);
    plot.draw({
      colors: keys.map(({ color }) => color),
      colorOf: byClass ? (i) => label[i] : (i) => (label[i] === predicted[i] ? 0 : 1),
      ring: style.getPropertyValue("--focus"),
      ink: style.getPropertyValue("--ink"),
      paper: style.getPropertyValue("--card"),
      names: byClass ? names : [],
    });
    colorings.set(coloring);
    const entries = keys.map((key) => legendEntry(key, state.view, change));
    fill(legend, entries);
  }

  return {
    node,
    redraw,
    destroy: plot.destroy,
    /** @param {State} next */
    update(next) {
      if (state?.model !== next.model) {
        const points = placesOf(next.model.columns.map);
        plot.setPoints(points);
        names = middles(points, next.images.columns.label, classes);
        none.hidden = points.length > 0;
        body.hidden = !points.length;
      }
      state = next;
      plot.update(next);
      redraw();
    },
  };
}

/**
 * Return the median place of the points of each class.
 * @param {Float32Array} points interleaved; empty if there is no map
 * @param {ArrayLike<number>} label
 * @param {string[]} classes
 */
function middles(points, label, classes) {
  if (!points.length) return [];
  return classes.map((name, k) => {
    const own = Array.from(label, (_, i) => i).filter((i) => label[i] === k);
    /** @param {number} axis */
    const median = (axis) =>
      own.map((i) => points[2 * i + axis]).sort((a, b) => a - b)[Math.floor(own.length / 2)];
    return { name, x: median(0), y: median(1) };
  });
}

/** @param {ReturnType<typeof createPlot>} plot */
function zoomButtons({ zoom, reset }) {
  const button = (text, label, act) =>
    el("button.small", { "aria-label": label, title: label, onclick: act }, text);
  return el(
    "div.zooms",
    {},
    button("−", t("zoom out"), () => zoom(1 / ZOOM)),
    button("+", t("zoom in"), () => zoom(ZOOM)),
    button(t("reset"), t("reset to the whole map"), reset),
  );
}
