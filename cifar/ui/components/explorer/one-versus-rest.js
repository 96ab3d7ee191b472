/** One class against the nine others: the confusion matrix of two rows, and what it comes to. */

import { el, fill } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { count, percent } from "../shared/words.js";

/**
 * Count what became of a class.
 * @param {Uint32Array} counts label by prediction, row by row
 * @param {number} size classes
 * @param {number} k class
 */
export function oneVersusRest(counts, size, k) {
  /** @param {(row: number, column: number) => boolean} which */
  const sum = (which) =>
    counts.reduce((all, n, at) => all + (which(Math.floor(at / size), at % size) ? n : 0), 0);
  const found = counts[k * size + k];
  const missed = sum((row, column) => row === k && column !== k);
  const taken = sum((row, column) => row !== k && column === k);
  const rest = sum((row, column) => row !== k && column !== k);
  const share = (of) => (of ? found / of : 0);
  return {
    ...{ found, missed, taken, rest },
    recall: share(found + missed),
    precision: share(found + taken),
    f1: share(found + (missed + taken) / 2),
  };
}

/** @param {string[]} classes */
export function createOneVersusRest(classes) {
  const node = el("div.versus", { hidden: true });
  return {
    node,
    /**
     * @param {Uint32Array} counts
     * @param {number} k class; below 0 for none
     */
    show(counts, k) {
      node.hidden = k < 0;
      if (node.hidden) return;
      const name = classes[k];
      const { found, missed, taken, rest, recall, precision, f1 } = oneVersusRest(
        counts,
        classes.length,
        k,
      );
      /** @param {string} head @param {number[]} cells */
      const row = (head, ...cells) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, head),
          cells.map((n) => el("td", {}, count(n))),
        );
      const column = (/** @type {string} */ head) => el("th", { scope: "col" }, head);
      fill(
        node,
        el(
          "table",
          {},
          el("caption", {}, t("{name} against the rest", { name })),
          el("tr", {}, el("td"), column(t("says {name}", { name })), column(t("says another"))),
          row(t("is {name}", { name }), found, missed),
          row(t("is another"), taken, rest),
        ),
        el(
          "p.quiet",
          {},
          t("recall {recall}, precision {precision}, F1 {f1}", {
            recall: percent(recall, 1),
            precision: percent(precision, 1),
            f1: percent(f1, 1),
          }),
        ),
      );
    },
  };
}
