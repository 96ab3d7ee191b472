/**
 * "What would change its mind?": the picture changed step by step, and what the network says of
 * each. All steps come at once, so that every control acts without asking again.
 */

import { el, fill, setStyle, setText } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { percent } from "../shared/words.js";
import { curves, framed } from "./curves.js";
import { createAnswers, createLatest } from "./latest.js";

const REST_MS = 250;
const KEPT = 20;
/** Classes in the large chart, and the least that one must reach somewhere to be among them. */
const MOST_CLASSES = 5;
const LEAST = 0.03;

/**
 * @typedef {object} Probe
 * @property {string} name
 * @property {string} title 'shift sideways'
 * @property {number[]} settings
 * @property {string[]} words of each setting: 'blur 1.4 px', 'unchanged'
 * @property {number} neutral the setting that leaves the picture as it is
 * @property {number[][]} probabilities of each class at each setting
 * @property {number[]} change of the picture at each setting: root mean square, 0 to 255
 * @property {string} strip data URL of the changed pictures side by side
 */

/**
 * @typedef {object} Flip the smallest setting of a probe that changes the answer
 * @property {string} name of the probe
 * @property {number} setting
 * @property {string} words
 * @property {number} becomes class
 * @property {number} change
 */

const topOf = (shares) => shares.indexOf(Math.max(...shares));

/** Distinguishes the radio buttons of one panel from another's. */
let panels = 0;

/**
 * @param {string[]} classes
 * @param {(question: object) => Promise<{probes: Probe[], flips: Flip[]}>} request
 */
export function createProbes(classes, request) {
  const group = `probes-${++panels}`;
  const answers = createAnswers(request, KEPT);
  const latest = createLatest();
  const status = el("p.quiet", { role: "status" });
  const sentence = el("p.flip-sentence");
  const cards = el("div.probe-cards", { role: "radiogroup", "aria-label": "Ways to change it" });

  const picture = el("canvas.probe-picture", { role: "img", width: SIDE, height: SIDE });
  const setting = el("output.probe-setting");
  const slider = el("input", { type: "range", min: 0, step: 1, oninput: drawSetting });
  const sliderLabel = el("span");
  const rows = el("div.probe-bars");
  const chart = el("div.probe-chart");
  const cursor = el("i.cursor");
  const large = el(
    "div.probe-large",
    {},
    picture,
    el("div.probe-now", {}, el("label.field", {}, sliderLabel, slider), setting, rows),
    chart,
  );
  const body = el("div.probe-body", { hidden: true }, sentence, cards, large);
  const node = el(
    "details.probes",
    { ontoggle: () => node.open && ask(0) },
    el("summary", {}, "What would change its mind?"),
    status,
    body,
  );

  /** @type {{key: string, question: object, label: number|null}|null} */
  let asked = null;
  /** Of the picture that is drawn. */
  let shownKey = "";
  let answer = null;
  /** The name of the probe that was chosen, which is kept from picture to picture. */
  let wished = "";
  /** @type {Probe|null} */
  let probe = null;
  let strip = null;
  let bars = [];

  function ask(rest) {
    if (!asked || !node.open) return;
    if (shownKey === asked.key) {
      // Back from a picture whose answer did not come, or not in time.
      if (body.hidden || body.classList.contains("pending")) present();
      return;
    }
    const { key, question } = asked;
    body.classList.add("pending");
    setText(status, answer && !body.hidden ? "" : "trying ...");
    latest.start(
      answers.has(key) ? 0 : rest,
      () => answers.get(key, question),
      (found) => {
        shownKey = key;
        answer = found;
        present();
      },
      (error) => {
        body.hidden = true;
        fill(
          status,
          `${error.message} `,
          el("button.link", { onclick: () => ask(0) }, "try again"),
        );
      },
    );
  }

  const flipOf = ({ name }) => answer.flips.find((flip) => flip.name === name);
  const neutralOf = ({ settings, neutral }) => Math.max(0, settings.indexOf(neutral));
  const said = () => topOf(answer.probes[0].probabilities[neutralOf(answer.probes[0])]);
  const tone = (k) => (k === asked.label ? "true" : k === said() ? "said" : "");

  function present() {
    const { probes, flips } = answer;
    setText(status, "");
    body.hidden = false;
    body.classList.remove("pending");
    const [flip] = flips;
    fill(
      sentence,
      flip
        ? [
            "The smallest change that flips the answer: ",
            el("b", {}, flip.words),
            ", then it says ",
            el(`b.${tone(flip.becomes) || "other"}`, {}, classes[flip.becomes]),
            ".",
          ]
        : `None of these changes flips the answer: it stays ${classes[said()]}.`,
    );
    fill(cards, probes.map(card));
    const known = probes.some(({ name }) => name === wished);
    choose(known ? wished : (flip ?? probes[0]).name);
  }

  /** A probe small: how likely the answer stays over its settings, and where it flips. */
  function card(one) {
    const top = said();
    const flip = flipOf(one);
    const values = one.probabilities.map((shares) => shares[top]);
    const flipped = one.probabilities.map((shares) => topOf(shares) !== top);
    return el(
      "label.probe-card",
      {},
      el("input", {
        type: "radio",
        name: group,
        value: one.name,
        onchange: () => {
          wished = one.name;
          choose(one.name);
        },
      }),
      el("span.probe-title", {}, one.title),
      curves({ lines: [{ values, kind: tone(top) || "own" }], marked: flipped }),
      el(
        "span.quiet",
        {},
        flip ? [`${flip.words}: `, el("b", {}, classes[flip.becomes])] : "never flips it",
      ),
    );
  }

  function choose(name) {
    probe = answer.probes.find((one) => one.name === name);
    for (const input of cards.querySelectorAll("input")) input.checked = input.value === name;
    const flip = flipOf(probe);
    const start = flip ? probe.settings.indexOf(flip.setting) : -1;
    slider.max = probe.settings.length - 1;
    slider.value = start >= 0 ? start : neutralOf(probe);
    setText(sliderLabel, probe.title);
    drawChart();
    drawSetting();
    loadStrip(probe);
  }

  async function loadStrip(one) {
    strip = null;
    const image = new Image();
    image.src = one.strip;
    await image.decode().catch(() => {}); // the numbers are worth showing without it, too
    if (probe !== one || !image.naturalWidth) return;
    strip = image;
    drawPicture();
  }

  /** The classes that matter anywhere along the probe, the likeliest first. */
  function relevant() {
    const most = classes.map((_, k) => Math.max(...probe.probabilities.map((shares) => shares[k])));
    const order = classes.map((_, k) => k).sort((a, b) => most[b] - most[a]);
    const chosen = order.filter((k) => most[k] >= LEAST).slice(0, MOST_CLASSES);
    const must = [said(), asked.label].filter((k) => k !== null && !chosen.includes(k));
    return [...chosen.slice(0, MOST_CLASSES - must.length), ...must];
  }

  function drawChart() {
    let others = 0;
    const shown = relevant().map((k) => ({ k, kind: tone(k) || `other-${++others}` }));
    const top = said();
    const drawn = curves({
      lines: shown
        .map(({ k, kind }) => ({ values: probe.probabilities.map((shares) => shares[k]), kind }))
        .reverse(),
      marked: probe.probabilities.map((shares) => topOf(shares) !== top),
    });
    const { words } = probe;
    fill(
      chart,
      framed({ drawn, up: "probability", across: "", from: words[0], to: words.at(-1) }, cursor),
    );
    bars = shown.map(({ k, kind }) => {
      const bar = el("span");
      const value = el("span.probe-value");
      const row = el(
        `div.probe-bar.${kind}`,
        {},
        el("span.probe-class", {}, classes[k]),
        el("span.probe-track", {}, bar),
        value,
      );
      return { k, bar, value, row };
    });
    fill(
      rows,
      bars.map(({ row }) => row),
    );
  }

  function drawSetting() {
    const at = +slider.value;
    const shares = probe.probabilities[at];
    const best = topOf(shares);
    fill(
      setting,
      `${probe.words[at]}: `,
      el(`b.${tone(best) || "other"}`, {}, classes[best]),
      ` ${percent(shares[best])}`,
    );
    slider.setAttribute("aria-valuetext", setting.textContent);
    for (const { k, bar, value } of bars) {
      setStyle(bar, { width: percent(shares[k], 1) });
      setText(value, String(Math.round(100 * shares[k])));
    }
    setStyle(cursor, { left: percent(at / Math.max(1, probe.settings.length - 1), 2) });
    drawPicture();
  }

  function drawPicture() {
    const at = +slider.value;
    const context = picture.getContext("2d");
    picture.setAttribute("aria-label", `the picture, ${probe.words[at]}`);
    if (strip) context.drawImage(strip, at * SIDE, 0, SIDE, SIDE, 0, 0, SIDE, SIDE);
    else context.clearRect(0, 0, SIDE, SIDE);
  }

  return {
    node,
    /**
     * A picture is shown.
     * @param {string} key of model and picture
     * @param {object} question
     * @param {number|null} label
     */
    reset(key, question, label) {
      if (asked?.key === key) return;
      asked = { key, question, label };
      latest.cancel();
      ask(REST_MS);
    },
    destroy: latest.cancel,
  };
}
