/** Show the card in the middle: what the network sees, what it says, and how sure it is. */

import { createBar, markOf, ranked } from "../shared/bars.js";
import { el, fill, findAll, setAria, setText } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { probability } from "../shared/words.js";
import { show } from "./pixels.js";

const START_TOP = 5;
const KEPT = "cifar-lens:top-k";

/** Return how many classes the visitor wants to see. @param {number} count of all */
function remembered(count) {
  try {
    const kept = Number(localStorage.getItem(KEPT));
    return kept >= 1 && kept <= count ? Math.round(kept) : START_TOP;
  } catch {
    return START_TOP; // storage is closed to this page
  }
}

/** @param {string} top */
function remember(top) {
  try {
    localStorage.setItem(KEPT, top);
  } catch {
    // it holds for this visit
  }
}

/** @typedef {import('../evidence/evidence.js').Answer} Answer of the network */

/**
 * @param {string[]} classes
 * @param {(k: number) => void} choose the look whose evidence is shown
 */
export function createAnswer(classes, choose) {
  const canvas = el("canvas.pixels", {
    width: SIDE,
    height: SIDE,
    role: "img",
    "aria-label": "what the network sees",
  });
  const name = el("p.name");
  const truth = el("p.truth");
  const meaning = el("p.quiet");
  const notices = el("ul.notices");
  const agreed = el("p.quiet");
  const strip = el("div.look-strip", { role: "group", "aria-label": "Looks at the picture" });
  const looks = el("div.looks", { hidden: true }, strip, agreed);
  const bars = el("ul.bars", { "aria-label": "Probabilities" });
  const status = el("p.status", { role: "status" });
  const chosen = el("b");
  const slider = el("input", {
    type: "range",
    min: 1,
    max: classes.length,
    step: 1,
    value: remembered(classes.length),
    "aria-label": "Classes to show",
    oninput() {
      remember(slider.value);
      drawBars();
    },
  });
  const body = el(
    "div.said-part",
    { hidden: true },
    el("label.top-k", {}, el("span", {}, "top ", chosen, ` of ${classes.length}`), slider),
    bars,
  );
  const node = el(
    "section.card.answer",
    { "aria-label": "What the network says" },
    el(
      "div.view",
      {},
      el("figure", {}, canvas, el("figcaption", {}, "what the network sees: 32 x 32 pixels")),
      el("div.verdict", { "aria-live": "polite" }, name, truth, notices, meaning, status),
    ),
    looks,
    body,
  );
  /** All that the network sees. @type {HTMLCanvasElement[]} */
  let views = [];
  /** @typedef {Pick<Answer, 'probabilities'|'predicted'|'label'|'notices'|'calibrated'|'looks'>} Said */
  /** The newest answer. @type {Said|null} */
  let shown = null;

  function row(k) {
    const mark = markOf(k, shown.label, shown.predicted);
    const marked = (tag) => (mark ? `${tag}.${mark}` : tag);
    const bar = createBar({ filled: marked("span.fill") }, (share) => probability(share, 1));
    bar.track.setAttribute("aria-hidden", "true");
    bar.set(shown.probabilities[k]);
    return el("li", {}, el(marked("span.class"), {}, classes[k]), bar.track, bar.value);
  }

  function drawBars() {
    setText(chosen, slider.value);
    if (!shown) return;
    // The label is shown however improbable it was.
    const rows = ranked(shown.probabilities).filter(
      (k, place) => place < +slider.value || k === shown.label,
    );
    fill(bars, rows.map(row));
  }

  function drawVerdict() {
    const { predicted, label, probabilities } = shown;
    const right = predicted === label;
    fill(
      name,
      el(right ? "span.true" : "span.said", {}, classes[predicted]),
      " ",
      el("span.quiet", {}, probability(probabilities[predicted], 1)),
    );
    truth.hidden = label === null;
    if (label !== null)
      fill(
        truth,
        right ? "as labelled: " : "labelled ",
        el("b.true", {}, classes[label]),
        !right && `, ${probability(probabilities[label], 1)}`,
      );
    fill(
      notices,
      shown.notices.map(({ kind, title, text }) =>
        el(`li.${kind}`, {}, el("span.badge", {}, el("i.dot"), title), " ", text),
      ),
    );
    setText(meaning, `${shown.calibrated} It knows ten classes and nothing else.`);
  }

  /** @param {HTMLCanvasElement} view @param {number} k */
  const lookButton = (view, k) =>
    el(
      "button",
      { onclick: () => choose(k) },
      el("img.pixels", { src: view.toDataURL(), alt: "", draggable: "false" }),
      el("span"),
    );

  /** Show which look's evidence is shown. @param {number} chosen */
  function mark(chosen) {
    show(canvas, views[chosen]);
    for (const [k, button] of findAll(strip, "button", HTMLButtonElement).entries())
      setAria(button, "pressed", k === chosen);
  }

  /** Write below each look what it says, and how many say what the answer is. */
  function drawLooks() {
    const all = shown.looks.flat();
    const same = all.filter((k) => k === shown.predicted).length;
    setText(agreed, `${same} of ${all.length} looks say ${classes[shown.predicted]}.`);
    for (const [k, button] of findAll(strip, "button", HTMLButtonElement).entries()) {
      const [plain, mirrored] = shown.looks[k].map((said) => classes[said]);
      const words = plain === mirrored ? plain : `${plain}, ${mirrored} mirrored`;
      button.setAttribute("aria-label", `look ${k + 1}: ${words}; show its heat map`);
      button.title = words;
      setText(button.querySelector("span"), plain === mirrored ? plain : `${plain}/${mirrored}`);
    }
  }

  setText(chosen, slider.value);

  return {
    node,
    /** Show what the network is about to be asked about. @param {HTMLCanvasElement[]} all */
    see(all) {
      views = all;
      looks.hidden = all.length < 2;
      fill(strip, looks.hidden ? [] : all.map(lookButton));
      mark(0);
    },
    mark,
    /** Hide the answer, which is that of another picture: only its place is kept. */
    wait() {
      node.classList.add("old");
      setText(status, "looking ...");
    },
    /** @param {Said} answer */
    show(answer) {
      shown = answer;
      node.classList.remove("old");
      setText(status, "");
      body.hidden = false;
      drawVerdict();
      drawLooks();
      drawBars();
    },
    /** Say why no answer has come. @param {string} message @param {() => void} [again] */
    fail(message, again) {
      if (!node.classList.contains("old")) return;
      const retry = again && [" ", el("button.link", { onclick: again }, "try again")];
      fill(status, message, retry);
    },
  };
}
