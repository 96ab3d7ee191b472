/** The line for expressions, and the selections that are saved under a name. */

import { el, fill, menu, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { completions, expressionOf, problemOf } from "./expression.js";
import { createSaved } from "./saved.js";
import { ANY, NO_FILTERS, withExpression } from "./view.js";

/** @import { Actions, State } from "./explorer.js" */

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
    spellcheck: "false",
    autocomplete: "off",
    placeholder: "true:cat pred:dog difficulty:<3 conf:>90 people:<0.5",
    "aria-label": t("expression"),
    list: list.id,
    oninput: complete,
    onchange: () => show(line.value.trim()),
  });
  const problem = el("p.problem", { role: "status" });
  const name = el("input", { type: "text", maxlength: 40 });
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
  const kept = createSaved();
  /** The expression that the line was last set to. */
  let drawn = "";

  function complete() {
    fill(
      list,
      completions(line.value, names()).map((value) => el("option", { value })),
    );
  }

  /** Select by an expression, alone or beside the other filters. @param {string} text */
  function show(text, alone = false) {
    const reason = text && problemOf(text, names());
    setText(problem, reason);
    if (reason) return;
    if (alone) change({ ...NO_FILTERS, outcome: "all", where: text }, true);
    else change(withExpression(state.view, text));
  }

  /** Return the expression of what is shown. */
  const shown = () => expressionOf(state.view, names(), state.area ? state.selection : null);

  /** @param {Event} event */
  function save(event) {
    event.preventDefault();
    const called = name.value.trim();
    setText(problem, called ? unfit() : t("Give the selection a name."));
    if (problem.textContent) return;
    if (!kept.save(called, shown()))
      setText(problem, t("The browser keeps it only as long as this page is open."));
    name.value = "";
    draw();
  }

  /** Return why what is shown is no expression, or ''. */
  function unfit() {
    if (state.view.cell !== ANY)
      return t("A comparison cannot be part of a saved selection: remove that filter.");
    const reason = problemOf(shown(), names());
    return reason && state.area
      ? t("The area has too many images for an expression: draw a smaller one.")
      : reason;
  }

  /** @param {string} called */
  function forget(called) {
    kept.forget(called);
    draw();
    name.focus();
  }

  function showBoth() {
    const chosen = [first.select.value, second.select.value];
    setText(problem, chosen.includes(SHOWN) ? unfit() : "");
    if (problem.textContent) return;
    const [a, b] = chosen.map((called) => (called === SHOWN ? shown() : kept.all()[called]));
    show(`(${a}) ${way.select.value} (${b})`, true);
  }

  function draw() {
    const called = Object.keys(kept.all());
    fill(
      saved,
      called.map((one) =>
        el(
          "span.pair",
          {},
          el(
            "button.chip",
            { title: kept.all()[one], onclick: () => show(kept.all()[one], true) },
            one,
          ),
          el(
            "button.chip",
            { "aria-label": t("forget {name}", { name: one }), onclick: () => forget(one) },
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
      const { where } = state.view;
      if (where !== drawn) {
        line.value = drawn = where;
        setText(problem, "");
        if (where) node.open = true;
      }
    },
    /** Read the saved selections anew: another tab of the browser has changed them. */
    refresh() {
      kept.refresh();
      draw();
    },
  };
}
