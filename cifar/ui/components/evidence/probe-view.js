/** One probe large: the changed picture, the prediction at a setting, and the curves over all. */

import { createBar, markOf, topOf } from "../shared/bars.js";
import { el, fill, portion, setStyle, setText } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { heard, parts, t } from "../shared/language.js";
import { probability } from "../shared/words.js";
import { curves, framed } from "./curves.js";
import { flippedFrom, probabilitiesOf, relevantClasses } from "./probe-values.js";

/** @typedef {import('./probes.js').Probe} Probe */

/** @param {string[]} classes */
export function createProbeView(classes) {
  const picture = createProbePicture();
  const setting = el("output.probe-setting");
  const slider = el("input", { type: "range", min: 0, step: 1, oninput: drawSetting });
  const title = el("span");
  const rows = el("div.probe-bars");
  const chart = el("div.probe-chart");
  const cursor = el("i.cursor");
  const field = el("label.field", {}, title, slider);
  const now = el("div.probe-now", {}, field, setting, rows);
  const node = el("div.probe-large", {}, picture.node, now, chart);
  let probe = /** @type {Probe} */ (null);
  let label = null;
  let predicted = -1;
  let bars = [];

  /** Show the setting under the pointer, as the slider would. @param {PointerEvent} event */
  function point({ clientX }) {
    const { left, width } = chart.querySelector(".chart-plot").getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (clientX - left) / width));
    slider.value = String(Math.round(share * (probe.settings.length - 1)));
    drawSetting();
  }
  for (const type of ["pointermove", "pointerdown"]) chart.addEventListener(type, point);

  const mark = (k) => markOf(k, label, predicted);

  function drawChart(shown) {
    const lines = shown.map(({ k, kind }) => ({ values: probabilitiesOf(probe, k), kind }));
    const drawn = curves({ lines: lines.reverse(), marked: flippedFrom(probe, predicted) });
    const [from, to] = [0, -1].map((at) => heard(probe.words.at(at)));
    fill(chart, framed({ drawn, up: t("probability"), across: "", from, to }, cursor));
  }

  function createRow({ k, kind }) {
    const bar = createBar({ track: "span.probe-track", value: "span.probe-value" });
    const name = el("span.probe-class", {}, classes[k]);
    return { k, bar, row: el(`div.probe-bar.${kind}`, {}, name, bar.track, bar.value) };
  }

  function drawSetting() {
    const at = +slider.value;
    const shares = probe.probabilities[at];
    const top = topOf(shares);
    const change = heard(probe.words[at]);
    fill(
      setting,
      parts("{change}: {answer} {probability}", {
        change,
        answer: el(`b.${mark(top) || "other"}`, {}, classes[top]),
        probability: probability(shares[top]),
      }),
    );
    slider.setAttribute("aria-valuetext", setting.textContent);
    for (const { k, bar } of bars) bar.set(shares[k]);
    setStyle(cursor, { left: portion(at / Math.max(1, probe.settings.length - 1)) });
    picture.show(at, change);
  }

  return {
    node,
    /**
     * @param {Probe} next
     * @param {number} start position of the setting to show first
     * @param {number} top the class that is predicted for the unchanged picture
     * @param {number|null} trueClass
     */
    show(next, start, top, trueClass) {
      [probe, predicted, label] = [next, top, trueClass];
      slider.max = String(probe.settings.length - 1);
      slider.value = String(start);
      setText(title, heard(probe.title));
      const required = [...new Set([predicted, label])].filter((k) => k !== null);
      let others = 0;
      const shown = relevantClasses(probe, required).map((k) => ({
        k,
        kind: mark(k) || `other-${++others}`,
      }));
      drawChart(shown);
      bars = shown.map(createRow);
      const nodes = bars.map(({ row }) => row);
      fill(rows, nodes);
      drawSetting();
      picture.load(probe.strip); // the old picture stays until the new one is decoded
    },
  };
}

/** Make the picture of a probe's setting, which is cut out of the strip of all its pictures. */
function createProbePicture() {
  const node = el("canvas.probe-picture", { role: "img", width: SIDE, height: SIDE });
  /** The strip, once it is decoded. */
  let strip = null;
  let address = "";
  let at = 0;

  function draw() {
    const context = node.getContext("2d");
    if (strip) context.drawImage(strip, at * SIDE, 0, SIDE, SIDE, 0, 0, SIDE, SIDE);
    else context.clearRect(0, 0, SIDE, SIDE);
  }

  return {
    node,
    /** @param {number} position of the setting @param {string} change in words */
    show(position, change) {
      at = position;
      node.setAttribute("aria-label", t("the picture, {change}", { change }));
      draw();
    },
    /** @param {string} next data URL of the strip */
    async load(next) {
      strip = null;
      address = next;
      const image = new Image();
      image.src = next;
      await image.decode().catch(() => {}); // the numbers are useful without the picture, too
      if (address !== next || !image.naturalWidth) return;
      strip = image;
      draw();
    },
  };
}
