/**
 * The heat maps of the image that is shown: asked for, drawn on one scale, strength at a slider.
 */

import { choice, el, fill, setText } from "./dom.js";
import { colourTable, drawHeat, peak, sample } from "./heat.js";

/** Walking through images with the keyboard must not ask for the maps of each. */
const REST_MS = 150;
const START_STRENGTH = 0.6;
/** Answers kept: walking back costs nothing. */
const KEPT = 60;

/**
 * @param {string[]} classes
 * @param {string[]} colours of the scale
 * @param {(model: string, index: number) => Promise<{layer: string, maps: import('./heat.js').HeatMap[]}>} request
 */
export function createEvidence(classes, colours, request) {
  const table = colourTable(colours);
  const layer = el("span.quiet");
  const figures = [0, 1].map(() => {
    const canvas = el("canvas", { role: "img" });
    const words = el("figcaption");
    return { node: el("figure", {}, canvas, words), canvas, words };
  });
  const status = el("p.status", { role: "status" });
  const high = el("span");
  const scale = el(
    "div.evidence-scale",
    { "aria-hidden": "true" },
    el("div.ramp", { style: { background: `linear-gradient(90deg, ${colours.join(", ")})` } }),
    el("div.ends", {}, el("span", {}, "0"), el("span", {}, "evidence, both on one scale"), high),
  );
  const slider = el("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.05,
    value: START_STRENGTH,
    oninput: () => draw(),
  });
  const look = choice(
    "How the map is drawn",
    [
      { value: "smooth", text: "smooth" },
      { value: "cells", text: "cells" },
    ],
    (value) => {
      smooth = value === "smooth";
      look.set(value);
      resample();
    },
  );
  look.set("smooth");
  const maps = el(
    "div.pair",
    {},
    figures.map(({ node }) => node),
  );
  const controls = el(
    "div.controls",
    {},
    el("label.field", {}, el("span", {}, "heat map strength"), slider),
    look.node,
  );
  const node = el(
    "section.evidence",
    { "aria-label": "Evidence" },
    el("h3", {}, "Evidence ", layer),
    status,
    maps,
    scale,
    controls,
  );

  const answers = new Map();
  let timer = 0;
  /** Of the newest question; older answers are dropped. */
  let turn = 0;
  let image = null;
  let answer = null;
  /** Asks again for what could not be had, if anything. */
  let again = null;
  let sampled = [];
  let smooth = true;

  function resample() {
    const top = answer ? peak(answer.maps) : 0;
    sampled = answer ? answer.maps.map((map) => sample(map, top, smooth)) : [];
    draw();
  }

  function draw() {
    if (!image || !answer) return;
    answer.maps.forEach((_, k) =>
      drawHeat(figures[k].canvas, image, sampled[k], +slider.value, table),
    );
  }

  /** Caption, scale and maps of an answer. */
  function present({ predicted, label }) {
    const top = peak(answer.maps);
    setText(layer, answer.layer);
    setText(high, top.toPrecision(2));
    figures.forEach(({ node: figure, canvas, words }, k) => {
      const map = answer.maps[k];
      figure.hidden = !map;
      if (!map) return;
      const name = classes[map.target];
      const most = Math.max(...map.values);
      fill(
        words,
        "for ",
        el(map.target === predicted && predicted !== label ? "b.said" : "b.true", {}, name),
        el(
          "span.quiet",
          {},
          most > 0 ? `, up to ${most.toPrecision(2)}` : ": nothing in the image speaks for it here",
        ),
      );
      canvas.setAttribute("aria-label", `heat map for ${name}`);
    });
    maps.hidden = scale.hidden = controls.hidden = false;
    setText(status, "");
    resample();
  }

  async function ask(model, index, facts, picture) {
    const mine = turn;
    const key = `${model} ${index}`;
    try {
      if (!answers.has(key)) {
        const fresh = await request(model, index);
        answers.set(key, fresh);
        if (answers.size > KEPT) answers.delete(answers.keys().next().value);
      }
      const pixels = await picture();
      if (mine !== turn) return;
      answer = answers.get(key);
      image = pixels;
      present(facts);
    } catch (error) {
      if (mine !== turn) return;
      again = () => show(model, index, facts, picture);
      fill(status, `${error.message} `, el("button.link", { onclick: again }, "try again"));
    }
  }

  /**
   * @param {string} model
   * @param {number} index
   * @param {{predicted: number, label: number}} facts
   * @param {() => Promise<HTMLCanvasElement>} picture
   */
  function show(model, index, facts, picture) {
    turn++;
    clearTimeout(timer);
    answer = null;
    again = null;
    maps.hidden = scale.hidden = controls.hidden = true;
    setText(layer, "");
    const known = answers.has(`${model} ${index}`);
    setText(status, known ? "" : "looking ...");
    const go = () => ask(model, index, facts, picture);
    if (known) go();
    else timer = setTimeout(go, REST_MS);
  }

  return {
    node,
    show,
    retry: () => again?.(),
    /** What is drawn now, for the card: canvases, their captions, and the end of the scale. */
    drawn: () =>
      answer && image
        ? answer.maps.map((map, k) => ({
            canvas: figures[k].canvas,
            target: map.target,
            words: figures[k].words.textContent,
          }))
        : [],
    destroy() {
      turn++;
      clearTimeout(timer);
    },
  };
}
