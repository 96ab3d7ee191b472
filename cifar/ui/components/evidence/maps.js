/** Heat maps beside each other on one scale, their legends, and how they are drawn. */

import { choice, el, fill, setStyle, setText } from "../shared/dom.js";
import { DRAWN, colourTable, drawContrast, drawHeat, peak, sample } from "../shared/heat.js";
import { digitsFor } from "../shared/words.js";

const START_STRENGTH = 0.6;
const HINT = "Point at a map to read its values.";

/**
 * What the values of a map mean, and how one is written. Where covering a patch costs probability,
 * points say it better than shares of one.
 */
const UNITS = {
  logits: { words: "evidence, in logits", times: 1, after: "" },
  probability: { words: "probability lost when covered", times: 100, after: " points" },
  relative: { words: "evidence, without a unit", times: 1, after: "" },
  share: { words: "evidence, as a share of the highest", times: 1, after: "" },
};

/** @param {string} unit @param {number} top end of the scale, in the unit */
function writer(unit, top, more) {
  const { times, after } = UNITS[unit] ?? UNITS.logits;
  const written = digitsFor(top * times, more);
  return (value) => written(value * times) + after;
}

/**
 * The place in words: 'upper left', 'middle', 'lower right'.
 * @param {number} x share of the width
 * @param {number} y share of the height
 */
export function placeInWords(x, y) {
  const third = (share) => Math.min(2, Math.floor(share * 3));
  const row = ["upper", "", "lower"][third(y)];
  const column = ["left", "", "right"][third(x)];
  if (!row && !column) return "middle";
  return `${row || "middle"} ${column || "middle"}`;
}

/** @param {import('../shared/heat.js').HeatMap} map */
function highestPlace({ values, height, width }) {
  const at = values.indexOf(Math.max(...values));
  return placeInWords(((at % width) + 0.5) / width, (Math.floor(at / width) + 0.5) / height);
}

const ramp = (colours) =>
  el("div.ramp", { style: { background: `linear-gradient(90deg, ${colours.join(", ")})` } });

/**
 * @param {string[]} classes
 * @param {{sequential: string[], diverging: string[]}} colours
 */
export function createMaps(classes, colours) {
  const tables = {
    sequential: colourTable(colours.sequential),
    diverging: colourTable(colours.diverging),
  };

  const figures = ["a", "b", "contrast"].map((name) => {
    const canvas = el("canvas", { role: "img", tabindex: 0, width: DRAWN, height: DRAWN });
    const mark = el("i.mark", { hidden: true });
    const words = el("figcaption");
    const node = el("figure", { "data-map": name }, el("div.map-frame", {}, canvas, mark), words);
    for (const type of ["pointermove", "pointerdown"])
      canvas.addEventListener(type, (event) => {
        const box = canvas.getBoundingClientRect();
        read((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      });
    // A finger that is lifted leaves its reading to be read.
    for (const type of ["pointerleave", "pointercancel", "blur"])
      canvas.addEventListener(type, (event) => event.pointerType !== "touch" && read(null));
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && read(0.5, 0.5));
    canvas.addEventListener("keydown", walk);
    return { node, canvas, mark, words };
  });
  const contrast = figures[2];
  contrast.node.hidden = true;

  const high = el("span");
  const meaning = el("span");
  const scale = el(
    "div.scale-of-maps",
    { "aria-hidden": "true" },
    ramp(colours.sequential),
    el("div.scale-ends", {}, el("span", {}, "0"), meaning, high),
  );
  const ends = [el("span"), el("span")];
  const contrastScale = el(
    "div.scale-of-maps",
    { "aria-hidden": "true" },
    ramp(colours.diverging),
    el("div.scale-ends", {}, ends[0], el("span", {}, "0"), ends[1]),
  );
  contrast.node.append(contrastScale);
  const readout = el("p.readout.quiet", {}, HINT);

  const slider = el("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.05,
    value: START_STRENGTH,
    oninput: draw,
  });
  const looks = choice(
    "How the map is drawn",
    [
      { value: "smooth", text: "smooth" },
      { value: "cells", text: "cells" },
    ],
    (value) => {
      smooth = value === "smooth";
      looks.set(value);
      resample();
    },
  );
  looks.set("smooth");
  const rather = el(
    "button.small.rather",
    { "aria-pressed": "false", disabled: true, onclick: toggleContrast },
    "one rather than the other",
  );
  const [first, second] = figures;
  const pair = el("div.pair", {}, first.node, second.node, scale, contrast.node);
  const waiting = el("p.waiting", { role: "status" });
  const node = el(
    "div.evidence-maps",
    {},
    pair,
    waiting,
    readout,
    el(
      "div.map-controls",
      {},
      el("label.field", {}, el("span", {}, "heat map strength"), slider),
      looks.node,
      rather,
    ),
  );

  let image = null;
  let answer = null;
  let smooth = true;
  let contrasted = false;
  /** Where the maps are read, as shares of their sides. */
  let point = null;
  /** What each figure shows: values of `sample`, the end of their scale, and what draws them. */
  let layers = [];

  function toggleContrast() {
    contrasted = !contrasted;
    present();
  }

  /** Move the reading by the arrow keys, a cell at a time. */
  function walk(event) {
    const step = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key];
    if (!step || !answer) return;
    event.preventDefault();
    const { width, height } = answer.maps[0];
    const inside = (share) => Math.min(1, Math.max(0, share));
    const { x, y } = point ?? { x: 0.5, y: 0.5 };
    read(inside(x + step[0] / width), inside(y + step[1] / height), true);
  }

  /**
   * Say what all maps hold at one place.
   * @param {number|null} x share of the width; null for nowhere
   * @param {number} y
   * @param {boolean} [aloud] for those who cannot see the place
   */
  function read(x, y, aloud = false) {
    point = x === null || !answer ? null : { x, y };
    for (const { mark } of figures) {
      mark.hidden = !point;
      if (point) setStyle(mark, { left: `${100 * x}%`, top: `${100 * y}%` });
    }
    if (aloud) readout.setAttribute("aria-live", "polite");
    else readout.removeAttribute("aria-live");
    if (!point) {
      setText(readout, HINT);
      return;
    }
    const pixel = (share) => Math.min(DRAWN - 1, Math.max(0, Math.floor(share * DRAWN)));
    const at = pixel(y) * DRAWN + pixel(x);
    const values = answer.maps.map((_, k) => layers[k].values[at] * layers[k].top);
    const written = writer(answer.unit, layers[0].top, 1);
    const words = values.map((value, k) => `${classes[answer.maps[k].target]} ${written(value)}`);
    if (values.length === 2) words.push(`difference ${signed(values[0] - values[1], written)}`);
    setText(readout, `${aloud ? `${placeInWords(x, y)}: ` : ""}${words.join(" · ")}`);
  }

  function resample() {
    if (!answer) return;
    const { maps } = answer;
    const top = peak(maps);
    layers = maps.map((map) => ({
      values: sample(map, top, smooth),
      top,
      empty: peak([map]) <= 0,
      draw: drawHeat,
      table: tables.sequential,
    }));
    if (contrasted && maps.length === 2) {
      const [a, b] = maps;
      const values = Array.from(a.values, (value, k) => value - b.values[k]);
      const most = Math.max(...values.map(Math.abs));
      layers.push({
        values: sample({ ...a, values }, most, smooth),
        top: most,
        empty: most <= 0,
        draw: drawContrast,
        table: tables.diverging,
      });
    }
    draw();
    if (point) read(point.x, point.y);
  }

  function draw() {
    if (!image || !answer) return;
    const strength = +slider.value;
    layers.forEach(({ values, empty, draw: paint, table }, k) => {
      // Of a map without evidence, no colour would say more than the image itself.
      paint(figures[k].canvas, image, empty ? null : values, strength, table);
    });
  }

  function present() {
    const { maps, unit, predicted, label } = answer;
    const top = peak(maps);
    const written = writer(unit, top);
    setText(high, written(top));
    setText(meaning, (UNITS[unit] ?? UNITS.logits).words + (maps.length > 1 ? ", one scale" : ""));
    const tone = (k) => (k === label ? "b.true" : k === predicted ? "b.said" : "b");
    figures.slice(0, 2).forEach(({ node: figure, canvas, words }, k) => {
      const map = maps[k];
      figure.hidden = !map;
      if (!map) return;
      const name = classes[map.target];
      const most = peak([map]);
      fill(
        words,
        "for ",
        el(tone(map.target), {}, name),
        el(
          "span.quiet",
          {},
          most > 0 ? `, up to ${written(most)}` : ": nothing in the image speaks for it here",
        ),
      );
      canvas.setAttribute(
        "aria-label",
        most > 0
          ? `heat map for ${name}, highest at the ${highestPlace(map)}`
          : `heat map for ${name}, empty`,
      );
    });
    scale.hidden = top <= 0;

    const two = maps.length === 2;
    rather.disabled = !two;
    rather.setAttribute("aria-pressed", two && contrasted);
    const named = maps.map(({ target }) => classes[target]);
    setText(rather, two ? `${named[0]} rather than ${named[1]}` : "one rather than the other");
    contrast.node.hidden = !two || !contrasted;
    resample();
    if (contrast.node.hidden) return;
    const { top: most, empty } = layers[2];
    const write = writer(unit, most);
    fill(
      contrast.words,
      el(tone(maps[0].target), {}, named[0]),
      " rather than ",
      el(tone(maps[1].target), {}, named[1]),
      empty && el("span.quiet", {}, ": both maps are the same"),
    );
    contrast.canvas.setAttribute("aria-label", `contrast map, ${named[0]} rather than ${named[1]}`);
    contrastScale.hidden = empty;
    setText(ends[0], `${named[1]} ${signed(-most, write)}`);
    setText(ends[1], `${signed(most, write)} ${named[0]}`);
  }

  return {
    node,

    /**
     * @param {import('./evidence.js').Answer} next
     * @param {HTMLCanvasElement} picture 32x32
     */
    show(next, picture) {
      answer = next;
      image = picture;
      pair.classList.remove("pending");
      setText(waiting, "");
      present();
    },

    /** What is shown is about to change: it stays, dimmed. @param {string} words */
    wait(words) {
      node.hidden = false;
      pair.classList.add("pending");
      setText(waiting, words);
    },

    /** How the maps are drawn, as the visitor chose. */
    drawing: () => ({ strength: +slider.value, smooth }),

    /** What is drawn now: canvases and their captions. */
    drawn: () =>
      answer
        ? answer.maps.map((_, k) => ({
            canvas: figures[k].canvas,
            words: figures[k].words.textContent,
          }))
        : [],
  };
}

/** With its sign said: '+1.2', or '−1.2' with a true minus. */
const signed = (value, written) => `${value < 0 ? "−" : "+"}${written(Math.abs(value))}`;
