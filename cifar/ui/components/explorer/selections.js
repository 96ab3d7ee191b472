/** The line for expressions, and the selections that are saved under a name. */

import { el, fill, menu, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { completions, expressionOf, problemOf } from "./expression.js";
import { readSaved, writeSaved } from "./saved.js";
import { NO_FILTERS } from "./view.js";

/** @import { Actions, State } from "./explorer.js" */

/** A link holds no longer expression. */
const LONGEST = 1500;
/** The selection that is shown, among the saved ones. */
const SHOWN = "";
const WAYS = {
  and: t("that is also in"),
  or: t("together with"),
  "and not": t("that is not in"),
};

/** @param {Pick<Actions, 'change'|'names'>} actions */
export function createSelections({ change, names }) {
  const list = el("datalist", { id: "explorer-expressions" });
  const line = el("input.expression", {
    type: "text",
    spellcheck: false,
    autocomplete: "off",
    placeholder: "true:cat pred:dog difficulty:<3 conf:>90 people:<0.5",
    "aria-label": t("expression"),
    list: list.id,
    oninput: complete,
    onchange: () => show(line.value.trim()),
  });
  const problem = el("p.problem", { role: "status" });
  const name = el("input", { type: "text", maxlength: 40, "aria-label": t("name") });
  const saved = el("div.chips.saved", { role: "group", "aria-label": t("Saved selections") });
  const first = menu(t("images of"), [], () => {});
  const way = menu(
    t("combined how"),
    Object.entries(WAYS).map(([value, text]) => ({ value, text })),
    () => {},
  );
  const second = menu(t("and of"), [], () => {});
  const combine = el(
    "div.fields",
    {},
    [first.node, way.node, second.node],
    el("button.small", { onclick: showBoth }, t("show")),
  );
  const form = el(
    "form.keep",
    { onsubmit: save },
    el("label.field", {}, el("span", {}, t("save this selection as")), name),
    el("button.small", { type: "submit" }, t("save")),
  );
  const node = el(
    "details.selections",
    {},
    el("summary", {}, t("Expressions and saved selections")),
    el(
      "p.quiet",
      {},
      t(
        "Conditions side by side must all hold; or, not and brackets combine them. Numbers: <3, " +
          ">=5, 7 or 2-9. Selections are kept in this browser, links hold them for others.",
      ),
    ),
    [line, list, problem, form, saved, combine],
  );
  let state = /** @type {State} */ (null);
  let kept = readSaved();

  function complete() {
    fill(
      list,
      completions(line.value, names()).map((value) => el("option", { value })),
    );
  }

  /** Select by an expression alone, or beside the other filters. @param {string} text */
  function show(text, alone = false) {
    let said = text && problemOf(text, names());
    if (!said && text.length > LONGEST)
      said = t("The expression is too long for a link: draw a smaller area.");
    setText(problem, said);
    if (said) return;
    // What the expression says of the outcome must not be narrowed by the menu.
    const own = /\boutcome:/.test(text) ? { outcome: /** @type {const} */ ("all") } : {};
    change(alone ? { ...NO_FILTERS, outcome: "all", where: text } : { ...own, where: text }, alone);
  }

  /** Return the expression of what is shown. */
  const shown = () => expressionOf(state.view, names(), state.area ? state.selection : null);

  /** @param {Event} event */
  function save(event) {
    event.preventDefault();
    const called = name.value.trim();
    const text = shown();
    if (!called) return setText(problem, t("Give the selection a name."));
    if (text.length > LONGEST)
      return setText(problem, t("The expression is too long for a link: draw a smaller area."));
    kept = { ...readSaved(), [called]: text };
    const lasting = writeSaved(kept);
    setText(problem, lasting ? "" : t("The browser keeps it only as long as this page is open."));
    name.value = "";
    draw();
  }

  /** @param {string} called */
  function remove(called) {
    kept = Object.fromEntries(Object.entries(kept).filter(([one]) => one !== called));
    writeSaved(kept);
    draw();
  }

  function showBoth() {
    const of = (/** @type {string} */ called) => (called === SHOWN ? shown() : kept[called]);
    const [a, b] = [of(first.select.value), of(second.select.value)];
    show(`(${a}) ${way.select.value} (${b})`, true);
  }

  function draw() {
    const called = Object.keys(kept);
    fill(
      saved,
      called.map((one) =>
        el(
          "span.pair",
          {},
          el("button.chip", { title: kept[one], onclick: () => show(kept[one], true) }, one),
          el(
            "button.chip",
            { "aria-label": t("forget {name}", { name: one }), onclick: () => remove(one) },
            "✕",
          ),
        ),
      ),
    );
    combine.hidden = saved.hidden = !called.length;
    for (const { select } of [first, second]) {
      const before = select.value;
      const options = [SHOWN, ...called];
      fill(
        select,
        options.map((value) => el("option", { value }, value || t("what is shown"))),
      );
      if (options.includes(before)) select.value = before;
    }
  }

  draw();
  return {
    node,
    /** @param {State} next */
    update(next) {
      state = next;
      if (document.activeElement !== line) line.value = next.view.where;
      if (next.view.where) node.open = true;
    },
  };
}
