/** Compare two models on the same images: what the other one would have fixed and broken. */

import { el, fill, setAria, setText } from "../shared/dom.js";
import { chance, count, interval, percent } from "../shared/words.js";
import { crossing } from "./select.js";
import { ANY, CELLS, CELL_OUTCOMES } from "./view.js";

/** The kinds of files that the server reads. */
const KINDS = ".npy,.npz,.csv,.tsv,.txt,.json,.parquet,.pt,.pth";
/** Below this, a difference is taken as more than chance. */
const LEVEL = 0.05;

/**
 * What each of CELLS says about both models.
 * @type {Array<(other: string, shown: string) => string>}
 */
const MEANING = [
  (other, shown) => `${shown} and ${other}`,
  (other, shown) => `${other} is right where ${shown} is wrong`,
  (other, shown) => `${other} is wrong where ${shown} is right`,
  (other, shown) => `${shown} and ${other}`,
];

/**
 * @param {object} actions
 * @param {(patch: Partial<import('./view.js').View>) => void} actions.change
 * @param {((file: File) => Promise<string>)|null} actions.upload returns what the file was taken for
 */
export function createCompare({ change, upload }) {
  const select = el("select");
  select.addEventListener("change", () => change({ other: select.value }));
  const accuracies = el("dl.accuracies");
  const buttons = CELLS.map((name, at) => {
    const parts = { number: el("b"), words: el("small") };
    const node = el(
      `button.quarter.${name.replace(" ", "-")}`,
      { onclick: () => pick(at) },
      el("span", {}, name),
      parts.number,
      parts.words,
    );
    return { node, ...parts };
  });
  // As a table is read: the shown model is right in the first row, the other one in the
  // first column.
  const heads = { columns: [el("span"), el("span")], rows: [el("span"), el("span")] };
  const quarters = el(
    "div.quarters",
    { role: "group", "aria-label": "How the two models differ" },
    el("span"),
    heads.columns,
    heads.rows[0],
    [0, 2].map((at) => buttons[at].node),
    heads.rows[1],
    [1, 3].map((at) => buttons[at].node),
  );
  const verdict = el("p");
  const trouble = el("p.problem", { role: "status" });
  const problem = el("p.problem", { role: "status" });
  const node = el(
    "div.compare",
    {},
    el("p.lead", {}, el("b", {}, "Compare"), " with another model on the same 10,000 images."),
    el("label.field", {}, el("span", {}, "the other model"), select),
    trouble,
    accuracies,
    quarters,
    verdict,
    upload && uploader(),
    problem,
  );
  /** @type {import('./explorer.js').State|null} */
  let state = null;
  /** What the panel was drawn from, to see whether that has changed. @type {unknown[]} */
  let drawn = [];

  /** @param {number} at place in CELLS */
  function pick(at) {
    const picked = state.view.cell === at;
    change({ cell: picked ? ANY : at, outcome: picked ? "wrong" : CELL_OUTCOMES[at] });
  }

  function uploader() {
    const input = el("input", {
      type: "file",
      accept: KINDS,
      hidden: true,
      "aria-label": "predictions file",
    });
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (!file) return;
      setText(problem, `reading ${file.name} ...`);
      try {
        setText(problem, await upload(file));
      } catch (error) {
        setText(problem, error.message);
      }
      input.value = "";
    });
    return el(
      "details.upload",
      {},
      el("summary", {}, "Compare with anybody's predictions"),
      el(
        "p",
        {},
        "A file of 10,000 rows, one for each test image in the official order or with its index: ",
        "ten numbers each (logits, probabilities or percent, from airplane to truck) or the class ",
        "alone. CSV, NumPy, JSON, Parquet or PyTorch tensors. It is compared, not kept.",
      ),
      el("button.small", { onclick: () => input.click() }, "choose a predictions file"),
      input,
    );
  }

  /** @param {import('./explorer.js').State} state */
  function draw({ images, model, other, others, view }) {
    fill(
      select,
      others.map(({ name, title }) => el("option", { value: name }, title)),
    );
    select.value = view.other || others[0]?.name;
    for (const { node } of buttons) node.disabled = !other;
    fill(accuracies);
    setText(verdict, "");
    if (!other) return;
    ["right", "wrong"].forEach((word, k) => {
      setText(heads.rows[k], `${model.header.title} ${word}`);
      setText(heads.columns[k], `${other.header.title} ${word}`);
    });
    const counts = crossing(images.columns.label, model.columns.predicted, other.columns.predicted);
    buttons.forEach(({ node, number, words }, at) => {
      setText(number, count(counts[at]));
      setText(words, MEANING[at](other.header.title, model.header.title));
      node.setAttribute(
        "aria-label",
        `${CELLS[at]}: ${count(counts[at])} images, ${words.textContent}`,
      );
    });
    for (const { header } of [model, other]) {
      const { accuracy } = header;
      accuracies.append(
        el("dt", {}, header.title),
        el("dd", {}, el("b", {}, percent(accuracy.value, 2)), ` (${interval(accuracy)})`),
      );
    }
    const test =
      other.header.against?.[model.header.name] ?? model.header.against?.[other.header.name];
    if (test) setText(verdict, judgement(counts, test.p, model.header.title, other.header.title));
  }

  return {
    node,
    /** @param {import('./explorer.js').State} next */
    update(next) {
      state = next;
      const wanted = [next.model, next.other, next.others, next.view.other];
      if (wanted.some((value, k) => value !== drawn[k])) draw(next);
      drawn = wanted;
      setText(trouble, next.otherProblem);
      buttons.forEach(({ node }, at) => setAria(node, "pressed", next.view.cell === at));
    },
  };
}

/**
 * Put McNemar's exact test into one sentence.
 * @param {Uint32Array} counts of `crossing`
 * @param {number} p
 * @param {string} shown title of a model
 * @param {string} other title of the other one
 */
function judgement([, fixed, broken], p, shown, other) {
  const differing = count(fixed + broken);
  const better = fixed > broken ? other : shown;
  const lead = `On the ${differing} images where exactly one is right, ${other} wins ${count(fixed)} and ${shown} ${count(broken)}`;
  return p < LEVEL
    ? `${lead}: ${better} is better by more than chance (McNemar's exact test, ${chance(p)}).`
    : `${lead}: that may well be chance (McNemar's exact test, ${chance(p)}).`;
}
