/** Show the card of what the network says, class by class and look by look, and what people say. */

import { createBar, markOf, ranked } from "../shared/bars.js";
import { choice, el, fill, setText } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { heard, t } from "../shared/language.js";
import { probability } from "../shared/words.js";
import { createLooks } from "./looks.js";
import { show } from "./pixels.js";

const TOPS = [3, 5, 10];
const START_TOP = 5;
const KEPT = "cifar-lens:top-k";

/** Return how many classes the visitor wants to see. */
function remembered() {
  try {
    const kept = Number(localStorage.getItem(KEPT));
    return TOPS.includes(kept) ? kept : START_TOP;
  } catch {
    return START_TOP; // storage is closed to this page
  }
}

/** @param {number} top */
function remember(top) {
  try {
    localStorage.setItem(KEPT, String(top));
  } catch {
    // it holds for this visit
  }
}

/** @typedef {import('../evidence/evidence.js').Answer} Answer of the network */
/** @typedef {Pick<Answer, 'probabilities'|'predicted'|'label'|'notices'|'calibrated'|'looks'>} Said */

/**
 * @param {string[]} classes
 * @param {object} actions
 * @param {(k: number) => void} actions.choose the look whose evidence is shown
 * @param {(pair: {label: number|null, predicted: number}) => void} [actions.similar] show test
 *   images that the network got wrong in this way
 */
export function createAnswer(classes, { choose, similar }) {
  const canvas = el("canvas.pixels", {
    width: SIDE,
    height: SIDE,
    role: "img",
    "aria-label": t("what the network sees"),
  });
  const figure = el(
    "figure.view",
    {},
    canvas,
    el("figcaption.quiet", {}, t("what the network sees: 32 x 32 pixels")),
  );
  const meaning = el("p.quiet");
  const looks = createLooks(classes, choose);
  const bars = el("ul.bars", { "aria-label": t("Probabilities") });
  let top = remembered();
  const tops = choice(
    t("Classes to show"),
    TOPS.map((k) => ({ value: String(k), text: k < 10 ? t("top {k}", { k }) : t("all") })),
    (value) => {
      top = Number(value);
      tops.set(value);
      remember(top);
      drawBars();
    },
  );
  tops.set(String(top));
  const legend = el(
    "p.quiet",
    { hidden: true },
    t("above: the network; below: people who were asked"),
  );
  const more = el("button.link", {
    onclick: () => similar({ label: shown.label, predicted: shown.predicted }),
  });
  const body = el(
    "div.said-part",
    { hidden: true },
    legend,
    bars,
    tops.node,
    meaning,
    similar && more,
  );
  const node = el(
    "section.card.answer",
    { "aria-label": t("What the network says") },
    el("h2", {}, t("What it says")),
    figure,
    looks.node,
    body,
  );
  /** All that the network sees. @type {HTMLCanvasElement[]} */
  let views = [];
  /** The newest answer. @type {Said|null} */
  let shown = null;
  /** How many people chose each class. @type {number[]|null|undefined} */
  let votes = null;
  function row(k) {
    const mark = markOf(k, shown.label, shown.predicted);
    const marked = (tag) => (mark ? `${tag}.${mark}` : tag);
    const bar = createBar({ filled: marked("span.fill") }, (share) => probability(share, 1));
    bar.track.setAttribute("aria-hidden", "true");
    bar.set(shown.probabilities[k]);
    return el(
      "li",
      {},
      el(marked("span.class"), {}, classes[k]),
      bar.track,
      bar.value,
      votes && votesOf(k),
    );
  }

  /** @param {number} k class */
  function votesOf(k) {
    const all = votes.reduce((sum, one) => sum + one, 0);
    const bar = createBar({ track: "span.track.people", value: "span.value.people" }, () =>
      k === shown.predicted || votes[k] ? t("{n} of {all}", { n: votes[k], all }) : t("nobody"),
    );
    bar.track.setAttribute("aria-hidden", "true");
    bar.set(votes[k] / all);
    return [bar.track, bar.value];
  }

  function drawBars() {
    if (!shown) return;
    // The label is shown however improbable it was.
    const rows = ranked(shown.probabilities).filter((k, place) => place < top || k === shown.label);
    legend.hidden = !votes;
    fill(bars, rows.map(row));
  }

  function drawWords() {
    const { label, predicted, calibrated } = shown;
    setText(meaning, `${heard(calibrated)} ${t("It knows ten classes and nothing else.")}`);
    const wrong = label !== null && label !== predicted;
    const values = { label: classes[label], predicted: classes[predicted] };
    setText(
      more,
      wrong
        ? t("Test images of class {label} that it takes for {predicted}", values)
        : t("Test images of other classes that it takes for {predicted}", values),
    );
  }

  /** Show which look's evidence is shown. @param {number} chosen */
  function mark(chosen) {
    show(canvas, views[chosen]);
    looks.mark(chosen);
  }

  return {
    node,
    /**
     * Show what the network is about to be asked about.
     * @param {HTMLCanvasElement[]} all
     * @param {{votes?: number[]|null, ready?: boolean}} [about] ready: it has the network's size, and
     *   is shown large already
     */
    see(all, { votes: people = null, ready = false } = {}) {
      views = all;
      votes = people;
      figure.hidden = ready;
      looks.see(all);
      mark(0);
    },
    mark,
    /** Hide the answer, which is that of another picture: only its place is kept. */
    wait() {
      node.classList.add("old");
    },
    /** @param {Said} answer */
    show(answer) {
      shown = answer;
      node.classList.remove("old");
      body.hidden = false;
      drawWords();
      looks.show(answer);
      drawBars();
    },
  };
}
