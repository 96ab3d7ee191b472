/**
 * "What would change its mind?": the picture changed step by step, and the prediction at each step.
 * All steps are fetched at once, so that every control acts without another request.
 */

import { markOf } from "../shared/bars.js";
import { el, fill, setText } from "../shared/dom.js";
import { heard, parts, t } from "../shared/language.js";
import { curves } from "./curves.js";
import { createAnswers, createLatest } from "./latest.js";
import { flippedFrom, neutralOf, predictedOf, probabilitiesOf } from "./probe-values.js";
import { createProbeView } from "./probe-view.js";

const REST_MS = 600;
const KEPT = 20;
const MOST_FLIPS = 4;

/**
 * @typedef {object} Probe
 * @property {string} name
 * @property {string} title 'shift sideways'
 * @property {number[]} settings
 * @property {string[]} words of each setting in English: 'blur 1.4 px', 'unchanged'
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
  const thumbnails = el("div.flips");
  const cards = el("div.probe-cards", { role: "radiogroup", "aria-label": t("Ways to change it") });
  const view = createProbeView(classes);
  const closer = el(
    "details.choose",
    {},
    el("summary", {}, t("Turn, move or blur it yourself")),
    cards,
    view.node,
  );
  const body = el("div.probe-body", { hidden: true }, sentence, thumbnails, closer);
  const node = el("div.probes", {}, status, body);
  // Some hundred images go through the network: not before the visitor has come here.
  let near = false;
  const watch = new IntersectionObserver(([entry]) => {
    near = entry.isIntersecting;
    ask(0);
  });
  watch.observe(node);

  /** @type {{key: string, question: object, label: number|null}|null} */
  let asked = null;
  /** The key of the picture that is drawn. */
  let shownKey = "";
  let answer = /** @type {{probes: Probe[], flips: Flip[]}} */ (null);
  /** The name of the probe that the visitor chose, which is kept from picture to picture. */
  let preferred = "";

  /** @param {number} rest milliseconds to wait, in case another picture is shown meanwhile */
  function ask(rest) {
    if (!asked || !near) return;
    if (shownKey === asked.key) {
      // The visitor is back from a picture whose answer failed or is not here yet.
      if (body.hidden || body.classList.contains("pending")) present();
      return;
    }
    const { key, question } = asked;
    body.classList.add("pending");
    setText(status, answer && !body.hidden ? "" : t("trying ..."));
    latest.start(
      answers.has(key) ? 0 : rest,
      () => answers.get(key, question),
      (value) => {
        shownKey = key;
        answer = value;
        present();
      },
      fail,
    );
  }

  function fail(error) {
    body.hidden = true;
    const again = el("button.link", { onclick: () => ask(0) }, t("try again"));
    fill(status, `${error.message} `, again);
  }

  const predicted = () => predictedOf(answer.probes[0]);
  const mark = (k) => markOf(k, asked.label, predicted());
  const flipOf = ({ name }) => answer.flips.find((flip) => flip.name === name);

  function present() {
    const { probes, flips } = answer;
    const [smallest] = flips;
    setText(status, "");
    body.hidden = false;
    body.classList.remove("pending");
    fill(sentence, smallest ? flipInWords(smallest) : neverFlips());
    fill(thumbnails, flips.slice(0, MOST_FLIPS).map(thumbnail));
    fill(cards, probes.map(card));
    choose(probes.find(({ name }) => name === preferred)?.name ?? (smallest ?? probes[0]).name);
  }

  const neverFlips = () =>
    t("None of these changes flips the answer: it stays {name}.", { name: classes[predicted()] });

  /** @param {Flip} flip */
  const flipInWords = (flip) =>
    parts("The smallest change that flips the answer: {change}, then it says {name}.", {
      change: el("b", {}, heard(flip.words)),
      name: el(`b.${mark(flip.becomes) || "other"}`, {}, classes[flip.becomes]),
    });

  /** Make a small picture of a change that flips the answer. @param {Flip} flip */
  function thumbnail({ name, setting, words, becomes }) {
    const { settings, strip } = answer.probes.find((probe) => probe.name === name);
    const share = settings.indexOf(setting) / Math.max(1, settings.length - 1);
    return el(
      "button.flip",
      {
        onclick() {
          preferred = name;
          closer.open = true;
          choose(name);
        },
      },
      el("span.flip-picture", {
        style: {
          "background-image": `url("${strip}")`,
          "background-size": `${100 * settings.length}% 100%`,
          "background-position": `${100 * share}% 0`,
        },
      }),
      el("span", {}, heard(words)),
      el(`b.${mark(becomes) || "other"}`, {}, classes[becomes]),
    );
  }

  /** Make a probe's card: how probable the prediction stays, and where it flips. */
  function card(probe) {
    const flip = flipOf(probe);
    const onchange = () => {
      preferred = probe.name;
      choose(preferred);
    };
    const top = predicted();
    const line = { values: probabilitiesOf(probe, top), kind: mark(top) || "own" };
    const becomes =
      flip &&
      parts("{change}: {name}", {
        change: heard(flip.words),
        name: el("b", {}, classes[flip.becomes]),
      });
    return el(
      "label.probe-card",
      {},
      el("input", { type: "radio", name: group, value: probe.name, onchange }),
      el("span.probe-title", {}, heard(probe.title)),
      curves({ lines: [line], marked: flippedFrom(probe, top) }),
      el("span.quiet", {}, becomes ?? t("never flips it")),
    );
  }

  /** @param {string} name */
  function choose(name) {
    const probe = answer.probes.find((one) => one.name === name);
    for (const input of cards.querySelectorAll("input")) input.checked = input.value === name;
    const flip = flipOf(probe);
    const start = flip ? probe.settings.indexOf(flip.setting) : -1;
    view.show(probe, start >= 0 ? start : neutralOf(probe), predicted(), asked.label);
  }

  return {
    node,
    /**
     * Show the probes of a picture, once they are in sight.
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
    /** Follow no picture. */
    clear() {
      asked = null;
      latest.cancel();
      body.hidden = true;
    },
    destroy() {
      watch.disconnect();
      latest.cancel();
    },
  };
}
