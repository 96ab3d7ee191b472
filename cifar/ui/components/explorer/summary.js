/** Draw the strip on top: how many mistakes, and how many of each verdict. */

import { el, fill, findAll, setAria, setStyle, setText, within } from "../shared/dom.js";
import { parts, plural, t } from "../shared/language.js";
import { count, interval, percent } from "../shared/words.js";
import { ANY } from "./view.js";

/** @param {(patch: Partial<import('./view.js').View>) => void} change */
export function createSummary(change) {
  const total = el("p.total");
  const bar = el("div.stack", { "aria-hidden": "true" });
  const chips = el("div.chips", { role: "group", "aria-label": t("Mistakes by verdict") });
  const agreed = el("p.agreed");
  const alone = el("button.link.alone", {
    onclick: () => change({ fewest: 0, most: 0, outcome: "wrong" }),
  });
  const rules = el("dl");
  const sum = el("p.quiet");
  const meaning = el(
    "details.meaning",
    {},
    el("summary", {}, t("What do these mean?")),
    rules,
    sum,
  );
  const node = el(
    "section.summary",
    { "aria-label": t("Summary") },
    total,
    bar,
    chips,
    agreed,
    alone,
    meaning,
  );
  /** @type {import('./pack.js').ModelPack|null} */
  let shown = null;
  /** @type {import('./view.js').View|null} */
  let view = null;

  chips.addEventListener("click", (event) => {
    const button = within(event, "button");
    if (!button) return;
    const verdict = +button.dataset.verdict;
    const picked = view.verdict === verdict;
    change(picked ? { verdict: ANY } : { verdict, outcome: "wrong" });
  });

  /**
   * @param {import('./pack.js').ModelPack} model
   * @param {import('./pack.js').ImagesPack} images
   */
  function draw({ header, columns: { predicted } }, images) {
    const { label, difficulty } = images.columns;
    const all = images.count;
    let n = 0;
    for (let i = 0; i < all; i++) n += Number(predicted[i] !== label[i] && !difficulty[i]);
    setText(
      alone,
      plural(
        n,
        "{n} mistake that no published network makes",
        "{n} mistakes that no published network makes",
      ),
    );
    alone.hidden = n === 0;
    const { verdicts, mistakes, agreed: accuracy } = header;
    fill(
      total,
      parts("{n} mistakes in {all}", { n: el("b", {}, count(mistakes)), all: count(all) }),
    );
    fill(
      bar,
      verdicts.map(({ n }, k) => {
        const part = el("span", { "data-verdict": k });
        setStyle(part, { "flex-grow": n });
        return part;
      }),
    );
    fill(
      chips,
      verdicts.map(({ title, rule, n }, k) =>
        el(
          "button.chip",
          { "data-verdict": k, title: rule },
          el("i.dot", { "data-verdict": k }),
          `${title} `,
          el("b", {}, count(n)),
        ),
      ),
    );
    fill(
      rules,
      verdicts.map(({ title, rule, n }, k) => [
        el("dt", {}, el("i.dot", { "data-verdict": k }), title, el("b", {}, count(n))),
        el("dd", {}, rule),
      ]),
    );
    const counts = verdicts.map(({ n }) => count(n)).join(" + ");
    fill(
      sum,
      t("Every mistake has one of them, the first whose rule it meets: {counts} = {all}.", {
        counts,
        all: verdicts.reduce((s, { n }) => s + n, 0),
      }),
    );
    fill(
      agreed,
      parts("accuracy among images that all people agree on: {accuracy} ({interval}), n = {n}", {
        accuracy: el("b", {}, percent(accuracy.value, 1)),
        interval: interval(accuracy),
        n: count(accuracy.n),
      }),
    );
  }

  return {
    node,
    /** @param {import('./explorer.js').State} state */
    update(state) {
      view = state.view;
      if (shown !== state.model) draw(state.model, state.images);
      shown = state.model;
      for (const chip of findAll(chips, "button", HTMLButtonElement))
        setAria(chip, "pressed", view.verdict === +chip.dataset.verdict);
    },
  };
}
