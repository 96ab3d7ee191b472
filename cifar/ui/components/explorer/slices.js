/**
 * List groups of images (dark, bright, animals, ...) by the model's error rate, worst first.
 */

import { el, fill, setAria, within } from "../shared/dom.js";
import { count, interval, percent } from "../shared/words.js";

/**
 * @param {import('./pack.js').ImagesPack} images
 * @param {(patch: Partial<import('./view.js').View>) => void} change
 */
export function createSlices(images, change) {
  const body = el("tbody");
  const ends = [el("span"), el("span")];
  const node = el(
    "div.slices",
    {},
    el(
      "p.lead",
      {},
      el("b", {}, "Groups of images"),
      ", those with the most mistakes first. Bars are error rates, lines their 95% intervals: ",
      "where two lines overlap widely, the difference may be chance.",
    ),
    el(
      "table.groups",
      {},
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "group"),
          el("th.number", { scope: "col" }, "wrong"),
          el(
            "th",
            { scope: "col" },
            el("span.unseen", {}, "error rate"),
            el("span.axis", { "aria-hidden": "true" }, ends),
          ),
          el("th.number", { scope: "col" }, "rate"),
        ),
      ),
      body,
    ),
  );
  const titles = new Map(images.header.slices.map((slice) => [slice.key, slice]));
  /** @type {import('./pack.js').ModelPack|null} */
  let shown = null;
  /** @type {import('./view.js').View|null} */
  let view = null;

  body.addEventListener("click", (event) => {
    const row = within(event, "tr");
    if (!row) return;
    const { key, group } = row.dataset;
    const picked = view.slice?.key === key && view.slice.group === +group;
    change({ slice: picked ? null : { key, group: +group } });
  });

  /** @param {import('./pack.js').ModelHeader} header */
  function draw({ slices, worst }) {
    const known = worst.filter(
      ({ slice, group }) => titles.has(slice) && slices[slice]?.[group]?.n,
    );
    const most = Math.max(0.01, ...known.map(({ slice, group }) => slices[slice][group].high));
    /** @param {number} rate */
    const at = (rate) => `${(100 * rate) / most}%`;
    fill(ends[0], "0");
    fill(ends[1], percent(most));
    fill(
      body,
      known.map(({ slice, group }) => {
        const { n, wrong, rate, low, high } = slices[slice][group];
        const { title, groups } = titles.get(slice);
        const words = `${percent(rate, 1)} (${interval({ low, high })})`;
        return el(
          "tr",
          { "data-key": slice, "data-group": group },
          el(
            "th",
            { scope: "row" },
            el("button", {}, el("span", {}, groups[group]), el("small", {}, title)),
          ),
          el("td.number", {}, el("b", {}, count(wrong)), el("small", {}, `of ${count(n)}`)),
          el(
            "td",
            {},
            el(
              "div.rate-bar",
              { title: `error rate ${words}` },
              el("span.bar", { style: { width: at(rate) } }),
              el("span.whisker", { style: { left: at(low), width: at(high - low) } }),
            ),
          ),
          el(
            "td.number",
            {},
            percent(rate, 1),
            el("span.unseen", {}, `, 95% interval ${interval({ low, high })}`),
          ),
        );
      }),
    );
  }

  return {
    node,
    /** @param {import('./explorer.js').State} state */
    update(state) {
      view = state.view;
      if (shown !== state.model) draw(state.model.header);
      shown = state.model;
      for (const row of body.rows) {
        const { key, group } = row.dataset;
        const picked = view.slice?.key === key && view.slice.group === +group;
        row.classList.toggle("picked", picked);
        setAria(row.querySelector("button"), "pressed", picked);
      }
    },
  };
}
