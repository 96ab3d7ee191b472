/**
 * The filters above the gallery, the chips of those that are on, and the line that counts.
 */

import { copy, download, el, fill, menu, setText } from "../shared/dom.js";
import { count, images as imagesInWords, plain } from "../shared/words.js";
import { selectionCsv, selectionJson } from "./export.js";
import { ANY, CELLS, NO_FILTERS, OUTCOMES, usualOutcome } from "./view.js";

/** An outcome where it stands alone, on a chip. */
const OUTCOME_WORDS = { wrong: "wrong ones", right: "right ones", all: "right and wrong" };

/**
 * @param {import('./pack.js').Pack} images
 * @param {object} actions
 * @param {(patch: Partial<import('./view.js').View>) => void} actions.change
 * @param {(index: number) => void} actions.pick
 * @param {() => void} actions.clearArea
 * @param {() => string} actions.query
 * @param {(() => string)|null} actions.link the view as an address, where there is one
 * @param {ReturnType<typeof import('./tags.js').createTags>} actions.tags
 */
export function createFilters(images, { change, pick, clearArea, query, link, tags }) {
  const { classes, agreement: bands } = images.header;
  const any = { value: String(ANY), text: "any" };
  const named = (titles) => titles.map((text, k) => ({ value: String(k), text }));

  const menus = {
    true: menu("true class", [any, ...named(classes)], (value) => change({ true: +value })),
    predicted: menu("seen as", [any, ...named(classes)], (value) => change({ predicted: +value })),
    outcome: menu(
      "outcome",
      OUTCOMES.map((value) => ({ value, text: value })),
      (outcome) => change({ outcome }),
    ),
    verdict: menu("why it is wrong", [any], (value) => change({ verdict: +value })),
    agreement: menu("people agree", [any, ...named(bands.map(({ key }) => key))], (value) =>
      change({ agreement: +value }),
    ),
  };
  const sort = menu("sort", [], (value) => change({ sort: +value }));
  const low = el("input", {
    type: "number",
    min: 0,
    max: 100,
    step: 1,
    "aria-label": "confidence from, percent",
  });
  const high = el("input", {
    type: "number",
    min: 0,
    max: 100,
    step: 1,
    "aria-label": "confidence to, percent",
  });
  const bounded = (input, otherwise) => {
    const value = Math.round(Number(input.value));
    return input.value.trim() === "" || Number.isNaN(value)
      ? otherwise
      : Math.min(100, Math.max(0, value));
  };
  // The end that was typed stands; the other one gives way.
  low.addEventListener("change", () => {
    const from = bounded(low, 0);
    change({ low: from, high: Math.max(from, bounded(high, 100)) });
  });
  high.addEventListener("change", () => {
    const to = bounded(high, 100);
    change({ low: Math.min(to, bounded(low, 0)), high: to });
  });
  const find = el("input", {
    type: "number",
    min: 0,
    max: images.count - 1,
    step: 1,
    placeholder: "e.g. 7400",
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const index = Number(find.value);
    const known =
      find.value.trim() !== "" && Number.isInteger(index) && index >= 0 && index < images.count;
    setText(missing, known ? "" : `Test indices run from 0 to ${images.count - 1}.`);
    if (known) pick(index); // whatever the filters say; the detail says if they leave it out
  });
  const missing = el("p.problem", { role: "status" });
  const each = el("span.each");
  const clear = el("button.link", { onclick: () => change(NO_FILTERS, true) }, "clear all");
  const chips = el(
    "div.chips.active",
    { role: "group", "aria-label": "Filters that are on" },
    each,
    clear,
  );
  const line = el("p.count", { "aria-live": "polite" });
  const exports = el(
    "details.export",
    {},
    el("summary", {}, "export"),
    el(
      "div",
      {},
      el(
        "p.quiet",
        {},
        "The images of this selection with label, ten probabilities, votes, verdict and your tags, ",
        "and which model and weights they are about.",
      ),
      el("button.small", { onclick: () => save("csv") }, "CSV"),
      el("button.small", { onclick: () => save("json") }, "JSON"),
      link &&
        el("button.small", { onclick: ({ target }) => copyLink(target) }, "copy link to this view"),
    ),
  );
  const node = el(
    "div.filters",
    { role: "search", "aria-label": "Filters" },
    el(
      "div.fields",
      {},
      menus.true.node,
      menus.predicted.node,
      menus.outcome.node,
      menus.verdict.node,
      menus.agreement.node,
      el("div.field", {}, el("span", {}, "confidence, %"), el("span.range", {}, low, "–", high)),
      el("label.field", {}, el("span", {}, "find test image"), find),
    ),
    missing,
    chips,
    el("div.line", {}, line, sort.node, exports),
  );
  let state = null;
  let model = null;

  function save(kind) {
    tags.refresh();
    const { model: shown, selection } = state;
    const text =
      kind === "csv"
        ? selectionCsv(state, selection, tags)
        : selectionJson(state, selection, tags, query());
    const type = kind === "csv" ? "text/csv" : "application/json";
    download(
      new Blob([text], { type }),
      `cifar-${plain(shown.header.name)}-${selection.length}-images.${kind}`,
    );
  }

  async function copyLink(button) {
    const done = await copy(link());
    setText(button, done ? "copied" : "the browser did not allow it");
    setTimeout(() => setText(button, "copy link to this view"), 2500);
  }

  /**
   * What is on, in words, and the change that takes it off. An outcome that another filter brought
   * with it goes with it.
   */
  function active({ view, area, model: shown, other }) {
    const on = [];
    const both = view.true !== ANY && view.predicted !== ANY;
    const recognised = both && view.true === view.predicted && view.outcome === "right";
    if (recognised) {
      on.push([
        `${classes[view.true]}, recognised`,
        { true: ANY, predicted: ANY, outcome: "wrong" },
      ]);
    } else if (both) {
      on.push([
        `${classes[view.true]} seen as ${classes[view.predicted]}`,
        { true: ANY, predicted: ANY },
      ]);
    } else if (view.true !== ANY) {
      on.push([`labelled ${classes[view.true]}`, { true: ANY }]);
    } else if (view.predicted !== ANY) {
      on.push([`seen as ${classes[view.predicted]}`, { predicted: ANY }]);
    }
    if (view.outcome !== usualOutcome(view)) {
      on.push([OUTCOME_WORDS[view.outcome], { outcome: usualOutcome(view) }]);
    }
    if (view.verdict !== ANY)
      on.push([shown.header.verdicts[view.verdict].title, { verdict: ANY }]);
    if (view.agreement !== ANY)
      on.push([`people: ${bands[view.agreement].key}`, { agreement: ANY }]);
    if (view.low > 0 || view.high < 100)
      on.push([`confidence ${view.low} to ${view.high}%`, { low: 0, high: 100 }]);
    if (view.slice) {
      const { title, groups } = images.header.slices.find(({ key }) => key === view.slice.key);
      on.push([`${title}: ${groups[view.slice.group]}`, { slice: null }]);
    }
    if (view.cell !== ANY) {
      const cell = CELLS[view.cell];
      const words = `${cell} ${cell.startsWith("both") ? "with" : "by"} ${other.header.title}`;
      on.push([words, { cell: ANY, outcome: "wrong" }]);
    }
    if (area) on.push([`within the ${area.what}: ${count(area.count)}`, null]);
    return on;
  }

  function drawChips() {
    const held = chips.contains(document.activeElement);
    const on = active(state);
    fill(
      each,
      on.map(([text, patch]) =>
        el(
          "button.chip.on",
          {
            "aria-label": `remove filter: ${text}`,
            title: patch
              ? "remove this filter"
              : "remove this filter; a drawn area is not part of a link",
            onclick: () => (patch ? change(patch) : clearArea()),
          },
          text,
          el("span", { "aria-hidden": "true" }, " ✕"),
        ),
      ),
    );
    clear.hidden = on.length < 2;
    chips.hidden = !on.length;
    // Whoever removed the last one by keyboard goes on with the menus.
    if (held && !on.length) menus.true.select.focus();
  }

  return {
    node,
    /** @param {import('./explorer.js').State} next */
    update(next) {
      state = next;
      const { view, facets, selection, model: shown } = next;
      if (model !== shown) {
        model = shown;
        const { verdicts, sorts } = shown.header;
        fill(
          menus.verdict.select,
          [any, ...named(verdicts.map(({ title }) => title))].map(({ value, text }) =>
            el("option", { value }, text),
          ),
        );
        fill(
          sort.select,
          named(sorts).map(({ value, text }) => el("option", { value }, text)),
        );
        for (const { select } of Object.values(menus)) {
          for (const option of select.options) option.dataset.text ??= option.textContent;
        }
      }
      for (const [key, { select }] of Object.entries(menus)) {
        const { any: all, each } = facets[key];
        const options = select.options;
        const named = options.length - each.length; // 1 where the first one is "any"
        for (let k = 0; k < options.length; k++) {
          const n = k < named ? all : each[k - named];
          setText(options[k], `${options[k].dataset.text} (${count(n)})`);
        }
        select.value = String(view[key]);
        select.classList.toggle(
          "on",
          key === "outcome" ? view.outcome !== "wrong" : view[key] !== ANY,
        );
      }
      sort.select.value = String(view.sort);
      for (const [input, value] of [
        [low, view.low],
        [high, view.high],
      ]) {
        if (document.activeElement !== input || Number(input.value) !== value) input.value = value;
      }
      drawChips();
      setText(line, sentence(next, selection.length));
    },
  };
}

/** '78 of 741 mistakes', '846 of 9,259 right answers', or '1,000 of 10,000 images'. */
function sentence({ view, model, images }, n) {
  const { mistakes } = model.header;
  if (view.outcome === "wrong") return `${count(n)} of ${count(mistakes)} mistakes`;
  if (view.outcome === "right")
    return `${count(n)} of ${count(images.count - mistakes)} right answers`;
  return `${count(n)} of ${imagesInWords(images.count)}`;
}
