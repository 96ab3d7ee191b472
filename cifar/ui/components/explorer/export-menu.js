/** The selection as a file, and the view as a link. */

import { copy, download, el, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { plain } from "../shared/words.js";
import { correctedCsv, selectionCsv, selectionJson } from "./export.js";

/** How long the button says what became of the link. */
const NOTICE_MS = 2500;

const COPY = t("copy link to this view");

/** @import { Actions, State } from "./explorer.js" */

/**
 * @param {Pick<Actions, 'query'|'leftOut'|'exact'|'tags'>} actions
 * @param {(() => string)|null} link the view as an address, where there is one
 */
export function createExportMenu({ query, leftOut, exact, tags }, link) {
  let state = /** @type {State} */ (null);
  const copyButton = el("button.small", { onclick: copyLink }, COPY);
  const status = el("p.quiet", { role: "status" });
  const summary = el("summary", {}, t("export"));
  const node = el(
    "details.export",
    { ontoggle: () => (node.open ? watch() : ignore()), onkeydown: closeByKey },
    summary,
    el(
      "div",
      {},
      el(
        "p.quiet",
        {},
        t(
          "The images of this selection with label, ten probabilities, votes, verdict and your " +
            "tags, and which model and weights they are about.",
        ),
      ),
      el("button.small", { onclick: () => save("csv") }, "CSV"),
      el("button.small", { onclick: () => save("json") }, "JSON"),
      el(
        "button.small",
        {
          onclick: saveCorrected,
          title: t("The labels that people corrected, with votes, reviews and licences."),
        },
        t("corrected labels"),
      ),
      link && copyButton,
      status,
    ),
  );

  /** Close the menu by a click elsewhere. @param {Event} event */
  function closeOutside({ target }) {
    if (target instanceof Node && !node.contains(target)) node.open = false;
  }
  const watch = () => addEventListener("pointerdown", closeOutside);
  const ignore = () => removeEventListener("pointerdown", closeOutside);

  /** @param {KeyboardEvent} event */
  function closeByKey({ key }) {
    if (key !== "Escape" || !node.open) return;
    node.open = false;
    summary.focus();
  }

  /** @param {'csv'|'json'} format */
  async function save(format) {
    tags.refresh();
    const { model, selection } = state;
    const [shown, asked] = [state, query()];
    setText(status, t("gathering ..."));
    let probabilities;
    try {
      probabilities = await exact();
    } catch (error) {
      setText(status, error.message);
      return;
    }
    setText(status, "");
    const csv = format === "csv";
    const text = csv
      ? selectionCsv(shown, selection, tags, probabilities)
      : selectionJson(shown, selection, tags, probabilities, asked);
    const name = `cifar-${plain(model.header.name)}-${selection.length}-images.${format}`;
    download(new Blob([text], { type: csv ? "text/csv" : "application/json" }), name);
  }

  function saveCorrected() {
    const text = correctedCsv(state);
    download(new Blob([text], { type: "text/csv" }), "cifar-10-corrected-labels.csv");
  }

  async function copyLink() {
    const copied = await copy(link());
    const without = copied && leftOut();
    setText(
      copyButton,
      without
        ? t("copied, without the comparison with {model}, which only this page has", {
            model: without,
          })
        : copied
          ? t("copied")
          : t("the browser did not allow it"),
    );
    setTimeout(() => setText(copyButton, COPY), NOTICE_MS);
  }

  return {
    node,
    /** @param {State} next */
    update(next) {
      state = next;
    },
  };
}
