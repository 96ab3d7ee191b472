/**
 * List groups of images (by class, brightness, agreement of people, ...) with the model's error rate
 * in each, beside its error rate over all.
 */

import { el, fill, portion, setAria, within } from "../shared/dom.js";
import { parts, t } from "../shared/language.js";
import { interval, percent } from "../shared/words.js";
import { HARD, createHardness } from "./hardness.js";

/** Intervals of groups with fewer images are so wide that they would squeeze all others. */
const FEW = 30;

/**
 * @param {import('./pack.js').ImagesPack} images
 * @param {(patch: Partial<import('./view.js').View>) => void} change
 */
export function createSlices(images, change) {
  const hardness = createHardness(images, change);
  const overall = el("b");
  const table = el("table.groups");
  const node = el(
    "div.slices",
    {},
    el(
      "p.lead",
      {},
      parts(
        "{groups}. Dots are error rates, bars their 95% intervals, and the line is the rate over " +
          "all images: {rate}. Pick a group to see its mistakes.",
        { groups: el("b", {}, t("Groups of images")), rate: overall },
      ),
    ),
    hardness.node,
    table,
  );
  /** @type {import('./pack.js').ModelPack|null} */
  let shown = null;
  /** @type {import('./view.js').View|null} */
  let view = null;

  table.addEventListener("click", (event) => {
    const { key, group } = within(event, "tr")?.dataset ?? {};
    if (!key) return;
    const picked = view.slice?.key === key && view.slice.group === +group;
    change({ slice: picked ? null : { key, group: +group } });
  });

  /** @param {import('./pack.js').ModelHeader} header */
  function draw({ slices, mistakes }) {
    const rate = mistakes / images.header.count;
    fill(overall, percent(rate, 1));
    fill(
      table,
      el("caption.unseen", {}, t("Error rates of groups of images")),
      images.header.slices
        .filter(({ key }) => key !== HARD)
        .map((slice) => section(slice, slices[slice.key] ?? [], rate)),
    );
  }

  /** Make the rows of one way to group, with a scale of their own. */
  function section({ key, title, groups, details }, measured, rate) {
    const reliable = measured.filter(({ n }) => n >= FEW);
    const most = Math.max(0.01, rate, ...reliable.map(({ high }) => high));
    /** @param {number} share */
    const at = (share) => portion(Math.min(1, share / most));
    return el(
      "tbody",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "rowgroup" }, title),
        el(
          "td",
          {},
          el(
            "span.axis",
            { "aria-hidden": "true" },
            el("span", {}, "0"),
            el("span", {}, percent(most)),
          ),
        ),
        el("td"),
      ),
      measured.map(
        ({ n, wrong, rate: own, low, high }, group) =>
          n > 0 &&
          el(
            "tr",
            {
              "data-key": key,
              "data-group": group,
              title: measuredInWords(details[group], {
                wrong,
                all: n,
                rate: percent(own, 1),
                interval: interval({ low, high }),
              }),
            },
            el("th", { scope: "row" }, el("button", {}, groups[group])),
            el(
              "td",
              {},
              el(
                "div.rate-plot",
                { "aria-hidden": "true" },
                el("i.overall", { style: { left: at(rate) } }),
                el("i.whisker", {
                  style: { left: at(low), right: portion(Math.max(0, 1 - high / most)) },
                }),
                el("i.rate-dot", { style: { left: at(own) } }),
              ),
            ),
            el(
              "td.number",
              {},
              percent(own, 1),
              el(
                "span.unseen",
                {},
                ", ",
                t("95% interval {interval}", { interval: interval({ low, high }) }),
              ),
            ),
          ),
      ),
    );
  }

  return {
    node,
    /** @param {import('./explorer.js').State} state */
    update(state) {
      view = state.view;
      hardness.update(state);
      if (shown !== state.model) draw(state.model.header);
      shown = state.model;
      for (const row of table.rows) {
        const { key, group } = row.dataset;
        if (!key) continue;
        const picked = view.slice?.key === key && view.slice.group === +group;
        row.classList.toggle("picked", picked);
        setAria(row.querySelector("button"), "pressed", picked);
      }
    },
  };
}

/**
 * Say how many images of a group are wrong.
 * @param {string} detail the range of values in the group, or ""
 * @param {{wrong: number, all: number, rate: string, interval: string}} values
 */
const measuredInWords = (detail, values) =>
  detail
    ? t("{detail}: {wrong} of {all} wrong, {rate} ({interval})", { detail, ...values })
    : t("{wrong} of {all} wrong, {rate} ({interval})", values);
