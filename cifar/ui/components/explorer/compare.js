/** Compare two models on the same images: what the other one would have fixed and broken. */

import { el, fill, setText } from "../shared/dom.js";
import { SPACE, parts, t } from "../shared/language.js";
import { chance, decimal, interval, percent } from "../shared/words.js";
import { createQuarters } from "./quarters.js";
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
  // As a table is read: the shown model is right in the first row, the other one in the first column.
  const order = [0, 2, 1, 3];
  const quarters = createQuarters(
    t("How the two models differ"),
    order.map((at) => ({ title: QUARTERS[at].title, kind: CELLS[at].replace(" ", "-") })),
    (k) => pick(order[k]),
  );
  const rank = createRank(images.header.networks);
  const verdict = el("p");
  const source = el("p.quiet");
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
    source,
    accuracies,
    quarters.node,
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
    quarters.enable(Boolean(other));
    rank.show(model.header);
    fill(accuracies);
    setText(source, "");
    setText(verdict, "");
    if (!other) return;
    const titles = { shown: model.header.title, other: other.header.title };
    const heads = (/** @type {string} */ title) => [
      t("{model} right", { model: title }),
      t("{model} wrong", { model: title }),
    ];
    quarters.head({ rows: heads(titles.shown), columns: heads(titles.other) });
    const counts = crossing(images.columns.label, model.columns.predicted, other.columns.predicted);
    quarters.fill(
      order.map((at) => counts[at]),
      order.map((at) => QUARTERS[at].meaning(titles)),
    );
    for (const { header } of [model, other]) {
      const { accuracy } = header;
      accuracies.append(
        el("dt", {}, header.title),
        el("dd", {}, el("b", {}, percent(accuracy.value, 2)), ` (${interval(accuracy)})`),
      );
    }
    const { p, difference } = other.header.against[model.header.name];
    setText(verdict, [inPoints(difference, titles), judgement(counts, p, titles)].join(SPACE));
    const known = images.header.networks.find(
      ({ title }) => other.header.name === `published-${title}`,
    );
    setText(source, known?.source ? `${known.source} (${known.year})` : "");
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
      quarters.press(order.indexOf(next.view.cell));
    },
  };
}

/**
 * Say how much more accurate the other model is.
 * @param {import('./pack.js').Rate} difference
 * @param {Titles} titles
 */
function inPoints({ value, low, high }, titles) {
  const more = value > 0;
  const values = {
    ...titles,
    points: decimal(100 * Math.abs(value), 2),
    interval: interval(more ? { low, high } : { low: -high, high: -low }),
  };
  if (value === 0) return t("Both are right on as many images.");
  return more
    ? t("{other} is {points} points more accurate (95% interval: {interval}).", values)
    : t("{other} is {points} points less accurate (95% interval: {interval}).", values);
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
