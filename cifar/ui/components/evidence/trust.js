/** "Can this map be trusted?": asked on demand, answered in a sentence, with what it rests on. */

import { el, enable, fill, setText } from "../shared/dom.js";
import { percent } from "../shared/words.js";
import { curves, framed } from "./curves.js";
import { createAnswers, createLatest } from "./latest.js";

/** A map that is looked at only in passing is not worth seconds of the server's time. */
const REST_MS = 700;
const KEPT = 60;
const EVERY = "cifar-lens:check-every-map";
const VERDICTS = { yes: "yes", partly: "partly", no: "no", nothing: "nothing to check" };

/** Whether every map is to be checked, as long as the tab is open. */
const remembered = {
  get every() {
    try {
      return sessionStorage.getItem(EVERY) === "yes";
    } catch {
      return false; // a frame may have no storage
    }
  },
  set every(yes) {
    try {
      if (yes) sessionStorage.setItem(EVERY, "yes");
      else sessionStorage.removeItem(EVERY);
    } catch {
      // then it holds for this panel alone
    }
  },
};

/**
 * What `trust` answers; curves hold the probability of the class after each share of pixels.
 * @typedef {object} Trust
 * @property {number[]} fractions
 * @property {number[]} deletion
 * @property {number[]} insertion
 * @property {{mean: number[], low: number[], high: number[]}} random_deletion
 * @property {{mean: number[], low: number[], high: number[]}} random_insertion
 * @property {number} road -1 to 1
 * @property {number} random_road how far from 0 a random map came
 * @property {number|null} control rank correlation
 * @property {number|null} occlusion rank correlation
 * @property {'yes'|'partly'|'no'|'nothing'} verdict
 * @property {string} sentence
 */

/**
 * @param {string[]} classes
 * @param {(question: object) => Promise<Trust>} request
 */
export function createTrust(classes, request) {
  const answers = createAnswers(request, KEPT);
  const latest = createLatest();
  const button = el("button.small", { onclick: () => check(0) }, "check this map");
  const every = el("input", {
    type: "checkbox",
    onchange: () => {
      remembered.every = every.checked;
      if (every.checked && state === "idle") check(0);
    },
  });
  every.checked = remembered.every;
  const result = el("div.trust-result", { role: "status" });
  const curvesPart = el("div.trust-curves");
  const details = el("details.how", { hidden: true }, el("summary", {}, "How that was checked"));
  details.append(curvesPart);
  const node = el(
    "section.trust",
    { "aria-label": "Can this map be trusted?" },
    el("h4", {}, "Can this map be trusted?"),
    el("div.trust-ask", {}, button, el("label.fuse", {}, every, "check every map")),
    result,
    details,
  );

  /** @type {{key: string, question: object}|null} */
  let asked = null;
  /** @type {'none'|'idle'|'waiting'|'answered'} */
  let state = "none";

  function draw(next) {
    state = next;
    enable(button, state === "idle");
    button.hidden = state === "answered";
    setText(button, state === "waiting" ? "checking ..." : "check this map");
    details.hidden = state !== "answered";
    if (state !== "answered") fill(result);
  }

  function check(rest) {
    const { key, question } = asked;
    draw("waiting");
    latest.start(
      answers.has(key) ? 0 : rest,
      () => answers.get(key, question),
      present,
      (error) => {
        draw("idle");
        fill(result, el("p.problem", {}, error.message));
      },
    );
  }

  /** @param {Trust} trust */
  function present(trust) {
    draw("answered");
    fill(
      result,
      el(
        "p.verdict-line",
        { "data-trust": trust.verdict },
        el("b.trust-badge", {}, VERDICTS[trust.verdict] ?? trust.verdict),
        trust.sentence,
      ),
    );
    fill(curvesPart, behind(trust, classes[asked.question.target]));
    details.hidden = trust.verdict === "nothing";
  }

  return {
    node,
    /**
     * A map is shown.
     * @param {string} key of the map
     * @param {object} question
     */
    reset(key, question) {
      every.checked = remembered.every;
      asked = { key, question };
      latest.cancel();
      draw("idle");
      if (answers.has(key) || every.checked) check(REST_MS);
    },
    /** No map is shown. */
    clear() {
      asked = null;
      latest.cancel();
      draw("none");
    },
    destroy: latest.cancel,
  };
}

/** The curves, the other measures, and all of it as a table. */
function behind(trust, name) {
  const drawn = (own, random) =>
    curves({
      band: random,
      lines: [
        { values: random.mean, kind: "random" },
        { values: own, kind: "own" },
      ],
    });
  const axes = { up: `probability of ${name}`, from: "0%", to: "100%" };
  const number = (value) => (value === null ? "–" : value.toFixed(2).replace("-", "−"));
  return [
    el(
      "div.charts",
      {},
      el(
        "figure",
        {},
        framed({
          ...axes,
          drawn: drawn(trust.deletion, trust.random_deletion),
          across: "of the pixels covered",
        }),
        el("figcaption", {}, "Covering the brightest first: the sooner it falls, the better."),
      ),
      el(
        "figure",
        {},
        framed({
          ...axes,
          drawn: drawn(trust.insertion, trust.random_insertion),
          across: "of the pixels revealed",
        }),
        el("figcaption", {}, "Revealing them in a blur: the sooner it rises, the better."),
      ),
    ),
    el(
      "p.keys-of-lines.quiet",
      {},
      el("span.key-own", {}, "this map"),
      el("span.key-random", {}, "random maps, as coarse as this one"),
    ),
    el(
      "dl.measures",
      {},
      measure(
        number(trust.road),
        "ROAD",
        "Half of how far guessing the most relevant pixels from their neighbours goes beyond " +
          "guessing the least relevant ones: above 0, the map found what counts " +
          `(random maps reach ±${number(trust.random_road)}).`,
      ),
      measure(
        number(trust.control),
        "random weights",
        trust.control === null
          ? "Cannot be compared with the map of an untrained network: one of the two is even."
          : "Rank correlation with the map that the same network draws untrained: near 0, the " +
              "map shows what was learned.",
      ),
      measure(
        number(trust.occlusion),
        "patches",
        trust.occlusion === null
          ? "Cannot be compared with covering patches: it is that map, or one of the two is even."
          : "Rank correlation with what covering patches of the picture costs: near 1, both find " +
              "the same places.",
      ),
    ),
    el("details.as-table", {}, el("summary", {}, "The curves as a table"), table(trust, name)),
  ];
}

const measure = (value, title, words) =>
  el("div", {}, el("dt", {}, title, " ", el("b", {}, value)), el("dd.quiet", {}, words));

/** @param {Trust} trust */
function table(trust, name) {
  const cell = (value) => el("td", {}, percent(value));
  const band = ({ low, high }, k) => el("td", {}, `${percent(low[k])} to ${percent(high[k])}`);
  return el(
    "table.numbers-of-curves",
    {},
    el("caption.unseen", {}, `Probability of ${name}`),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ["pixels", "covered", "random", "revealed", "random"].map((text) =>
          el("th", { scope: "col" }, text),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      trust.fractions.map((fraction, k) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, percent(fraction)),
          cell(trust.deletion[k]),
          band(trust.random_deletion, k),
          cell(trust.insertion[k]),
          band(trust.random_insertion, k),
        ),
      ),
    ),
  );
}
