/** The selection as a file, and the view as a link. */

import { copy, download, el, setText } from "../shared/dom.js";
import { plain } from "../shared/words.js";
import { selectionCsv, selectionJson } from "./export.js";

/** How long the button says what became of the link. */
const NOTICE_MS = 2500;

/** @import { Actions, State } from "./explorer.js" */

/**
 * @param {Pick<Actions, 'query'|'tags'>} actions
 * @param {(() => string)|null} link the view as an address, where there is one
 */
export function createExportMenu({ query, tags }, link) {
  let state = /** @type {State} */ (null);
  const copyButton = el("button.small", { onclick: copyLink }, "copy link to this view");
  const node = el(
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
      link && copyButton,
    ),
  );

  /** @param {'csv'|'json'} format */
  function save(format) {
    tags.refresh();
    const { model, selection } = state;
    const csv = format === "csv";
    const text = csv
      ? selectionCsv(state, selection, tags)
      : selectionJson(state, selection, tags, query());
    const name = `cifar-${plain(model.header.name)}-${selection.length}-images.${format}`;
    download(new Blob([text], { type: csv ? "text/csv" : "application/json" }), name);
  }

  async function copyLink() {
    const copied = await copy(link());
    setText(copyButton, copied ? "copied" : "the browser did not allow it");
    setTimeout(() => setText(copyButton, "copy link to this view"), NOTICE_MS);
  }

  return {
    node,
    /** @param {State} next */
    update(next) {
      state = next;
    },
  };
}
