/** Compare two models on the same images: what the other one would have fixed and broken. */

import { el, fill, setAria, setText } from "../shared/dom.js";
import { parts, t } from "../shared/language.js";
import { chance, count, images as imagesInWords, interval, percent } from "../shared/words.js";
import { createRank } from "./rank.js";
import { crossing } from "./select.js";
import { ANY, CELLS, CELL_OUTCOMES } from "./view.js";

/** The kinds of files that the server reads. */
const KINDS = ".npy,.npz,.csv,.tsv,.txt,.json,.parquet,.pt,.pth";
/** Below this, a difference is taken as more than chance. */
const LEVEL = 0.05;

/** @typedef {{shown: string, other: string}} Titles of both models */

/**
 * What each of CELLS is called, and says about both models.
 * @type {Array<{title: string, meaning: (models: Titles) => string}>}
 */
const QUARTERS = [
  { title: t("both right"), meaning: (models) => t("{shown} and {other}", models) },
  {
    title: t("fixed"),
    meaning: (models) => t("{other} is right where {shown} is wrong", models),
  },
  {
    title: t("broken"),
    meaning: (models) => t("{other} is wrong where {shown} is right", models),
  },
  { title: t("both wrong"), meaning: (models) => t("{shown} and {other}", models) },
];

/**
 * @param {import('./pack.js').ImagesPack} images
 * @param {object} actions
 * @param {(patch: Partial<import('./view.js').View>) => void} actions.change
 * @param {((file: File) => Promise<string>)|null} actions.upload returns what the file was taken for
 */
export function createCompare(images, { change, upload }) {
  const select = el("select");
  select.addEventListener("change", () => change({ other: select.value }));
  const accuracies = el("dl.accuracies");
  const buttons = CELLS.map((name, at) => {
    const [number, words] = [el("b"), el("small")];
    const node = el(
      `button.quarter.${name.replace(" ", "-")}`,
      { onclick: () => pick(at) },
      el("span", {}, QUARTERS[at].title),
      number,
      words,
    );
    return { node, number, words };
  });
  // As a table is read: the shown model is right in the first row, the other one in the
  // first column.
  const heads = { columns: [el("span"), el("span")], rows: [el("span"), el("span")] };
  const quarters = el(
    "div.quarters",
    { role: "group", "aria-label": t("How the two models differ") },
    el("span"),
    heads.columns,
    heads.rows[0],
    [0, 2].map((at) => buttons[at].node),
    heads.rows[1],
    [1, 3].map((at) => buttons[at].node),
  );
  const rank = createRank(images.header.networks);
  const verdict = el("p");
  const trouble = el("p.problem", { role: "status" });
  const problem = el("p.problem", { role: "status" });
  const node = el(
    "div.compare",
    {},
    el(
      "p.lead",
      {},
      parts("{compare} with another model on the same 10,000 images.", {
        compare: el("b", {}, t("Compare")),
      }),
    ),
    el("label.field", {}, el("span", {}, t("the other model")), select),
    trouble,
    accuracies,
    quarters,
    verdict,
    rank.node,
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
      "aria-label": t("predictions file"),
    });
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (!file) return;
      setText(problem, t("reading {file} ...", { file: file.name }));
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
      el("summary", {}, t("Compare with anybody's predictions")),
      el(
        "p",
        {},
        t(
          "A file of 10,000 rows, one for each test image in the official order or with its " +
            "index: ten numbers each (logits, probabilities or percent, from airplane to truck) " +
            "or the class alone. CSV, NumPy, JSON, Parquet or PyTorch tensors. It is compared, " +
            "not kept.",
        ),
      ),
      el("button.small", { onclick: () => input.click() }, t("choose a predictions file")),
      input,
    );
  }

  /** @param {import('./explorer.js').State} state */
  function draw({ model, other, others, view }) {
    fill(
      select,
      others.map(({ name, title }) => el("option", { value: name }, title)),
    );
    select.value = view.other || others[0]?.name;
    for (const { node } of buttons) node.disabled = !other;
    rank.show(model.header);
    fill(accuracies);
    setText(verdict, "");
    if (!other) return;
    const titles = { shown: model.header.title, other: other.header.title };
    for (const [heading, title] of [
      [heads.rows, titles.shown],
      [heads.columns, titles.other],
    ]) {
      setText(heading[0], t("{model} right", { model: title }));
      setText(heading[1], t("{model} wrong", { model: title }));
    }
    const counts = crossing(images.columns.label, model.columns.predicted, other.columns.predicted);
    buttons.forEach(({ node, number, words }, at) => {
      setText(number, count(counts[at]));
      const { title, meaning } = QUARTERS[at];
      setText(words, meaning(titles));
      const said = { title, images: imagesInWords(counts[at]), meaning: meaning(titles) };
      node.setAttribute("aria-label", t("{title}: {images}, {meaning}", said));
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
    if (test) setText(verdict, judgement(counts, test.p, titles));
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
 * @param {Titles} titles
 */
function judgement([, fixed, broken], p, titles) {
  const better = fixed > broken ? titles.other : titles.shown;
  const values = { ...titles, n: fixed + broken, fixed, broken, better, p: chance(p) };
  return p < LEVEL
    ? t(
        "On the {n} images where exactly one is right, {other} wins {fixed} and {shown} " +
          "{broken}: {better} is better by more than chance (McNemar's exact test, {p}).",
        values,
      )
    : t(
        "On the {n} images where exactly one is right, {other} wins {fixed} and {shown} " +
          "{broken}: that may well be chance (McNemar's exact test, {p}).",
        values,
      );
}
