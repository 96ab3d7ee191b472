/** Answer "Can this map be trusted?" on demand, in a sentence and with the measures behind it. */

import { el, enable, fill, setText } from "../shared/dom.js";
import { heard, t } from "../shared/language.js";
import { decimal, percent } from "../shared/words.js";
import { curves, framed } from "./curves.js";
import { createAnswers, createLatest } from "./latest.js";

/** A map that is looked at only in passing is not worth seconds of the server's time. */
const REST_MS = 700;
const KEPT = 60;
const EVERY = "cifar-lens:check-every-map";
const VERDICTS = {
  better: t("better than chance"),
  chance: t("no better than chance"),
  nothing: t("nothing to check"),
};

/** Remember whether every map is to be checked, as long as the tab is open. */
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

/** @typedef {{mean: number[], low: number[], high: number[]}} Band of the curves of random maps */

/** @typedef {import('./evidence.js').TrustQuestion} Question */

/**
 * What `trust` answers; curves hold the probability of the class after each share of pixels.
 * @typedef {object} Trust
 * @property {number[]} fractions
 * @property {number[]} deletion
 * @property {number[]} insertion
 * @property {Band} random_deletion
 * @property {Band} random_insertion
 * @property {number} road -1 to 1
 * @property {number} random_road how far from 0 a random map came
 * @property {number|null} control rank correlation
 * @property {number|null} occlusion rank correlation
 * @property {'better'|'chance'|'nothing'} verdict
 * @property {string} sentence
 */

/**
 * @param {string[]} classes
 * @param {(question: Question) => Promise<Trust>} request
 */
export function createTrust(classes, request) {
  const answers = createAnswers(request, KEPT);
  const latest = createLatest();
  const button = el("button.small", { onclick: () => check(0) }, t("check this map"));
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
  const details = el("details.how", { hidden: true }, el("summary", {}, t("How that was checked")));
  details.append(curvesPart);
  const node = el(
    "section.trust",
    { "aria-label": t("Can this map be trusted?") },
    el("h3", {}, t("Can this map be trusted?")),
    el("div.trust-ask", {}, button, el("label.fuse", {}, every, t("check every map"))),
    result,
    details,
  );

  /** @type {{key: string, question: Question}|null} */
  let asked = null;
  /** @typedef {'none'|'idle'|'waiting'|'answered'} Stage */

  /** @type {Stage} */
  let state = "none";

  /** @param {Stage} next */
  function draw(next) {
    state = next;
    enable(button, state === "idle");
    button.hidden = state === "answered";
    setText(button, state === "waiting" ? t("checking ...") : t("check this map"));
    details.hidden = state !== "answered";
    if (state !== "answered") fill(result);
  }

  /** @param {number} rest milliseconds to wait first */
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
        heard(trust.sentence),
      ),
    );
    fill(curvesPart, behind(trust, classes[asked.question.target]));
    details.hidden = trust.verdict === "nothing";
  }

  return {
    node,
    /**
     * Follow the map that is shown now.
     * @param {string} key of the map
     * @param {Question} question
     */
    reset(key, question) {
      every.checked = remembered.every;
      asked = { key, question };
      latest.cancel();
      draw("idle");
      if (answers.has(key) || every.checked) check(REST_MS);
    },
    /** Follow no map. */
    clear() {
      asked = null;
      latest.cancel();
      draw("none");
    },
    destroy: latest.cancel,
  };
}

/**
 * Draw the curves, the other measures, and all of it as a table.
 * @param {Trust} trust
 * @param {string} name of the class
 */
function behind(trust, name) {
  /** @param {number[]} own @param {Band} random */
  const drawn = (own, random) =>
    curves({
      band: random,
      lines: [
        { values: random.mean, kind: "random" },
        { values: own, kind: "own" },
      ],
    });
  const axes = { up: t("probability of {name}", { name }), from: percent(0), to: percent(1) };
  /** @param {number|null} value */
  const number = (value) => (value === null ? "–" : decimal(value, 2).replace("-", "−"));
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
          across: t("of the pixels covered"),
        }),
        el("figcaption", {}, t("Covering the brightest first: the sooner it falls, the better.")),
      ),
      el(
        "figure",
        {},
        framed({
          ...axes,
          drawn: drawn(trust.insertion, trust.random_insertion),
          across: t("of the pixels revealed"),
        }),
        el("figcaption", {}, t("Revealing them in a blur: the sooner it rises, the better.")),
      ),
    ),
    el(
      "p.keys-of-lines.quiet",
      {},
      el("span.key-own", {}, t("this map")),
      el("span.key-random", {}, t("random maps, as coarse as this one")),
    ),
    el(
      "dl.measures",
      {},
      measure(
        number(trust.road),
        "ROAD",
        t(
          "Half of how far guessing the most relevant pixels from their neighbours goes beyond " +
            "guessing the least relevant ones: above 0, the map found what counts " +
            "(random maps reach ±{value}).",
          { value: number(trust.random_road) },
        ),
      ),
      measure(
        number(trust.control),
        t("random weights"),
        trust.control === null
          ? t("Cannot be compared with the map of an untrained network: one of the two is even.")
          : t(
              "Rank correlation with the map that the same network draws untrained: near 0, the " +
                "map shows what was learned.",
            ),
      ),
      measure(
        number(trust.occlusion),
        t("patches"),
        trust.occlusion === null
          ? t(
              "Cannot be compared with covering patches: it is that map, or one of the two is even.",
            )
          : t(
              "Rank correlation with what covering patches of the picture costs: near 1, both find " +
                "the same places.",
            ),
      ),
    ),
    el("details.as-table", {}, el("summary", {}, t("The curves as a table")), table(trust, name)),
  ];
}

/** @param {string} value @param {string} title @param {string} words */
const measure = (value, title, words) =>
  el("div", {}, el("dt", {}, title, " ", el("b", {}, value)), el("dd.quiet", {}, words));

/** @param {Trust} trust @param {string} name of the class */
function table(trust, name) {
  /** @param {number} value */
  const cell = (value) => el("td", {}, percent(value));
  /** @param {Band} curves @param {number} k */
  const band = ({ low, high }, k) =>
    el("td", {}, t("{low} to {high}", { low: percent(low[k]), high: percent(high[k]) }));
  const heads = [t("pixels"), t("covered"), t("random"), t("revealed"), t("random")];
  return el(
    "table.numbers-of-curves",
    {},
    el("caption.unseen", {}, t("Probability of {name}", { name })),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        heads.map((text) => el("th", { scope: "col" }, text)),
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
