/** The visitor's tags for an image, and all tags as a file. */

import { download, el, setAria, setText } from "../shared/dom.js";
import { tagsCsv } from "./export.js";
import { TAGS } from "./tags.js";

/** @import { Actions, State } from "./explorer.js" */

/** @param {Actions['tags']} tags */
export function createTagging(tags) {
  const buttons = TAGS.map((tag) =>
    el("button.chip", { "data-tag": tag, onclick: () => toggle(tag) }, tag),
  );
  const summary = el("span.quiet");
  const exportTags = el("button.link", { onclick: save }, "export tags");
  const node = el(
    "section",
    {},
    el("h3", {}, "What do you say?"),
    el("div.chips", { role: "group", "aria-label": "Tags for this image" }, buttons),
    el("p.tagged", {}, summary, exportTags),
  );
  let state = /** @type {State} */ (null);

  /** Follow what the visitor sees pressed, although another tab may have changed the tag since. */
  function toggle(tag) {
    const button = buttons[TAGS.indexOf(tag)];
    tags.set(state.shown, tag, button.getAttribute("aria-pressed") !== "true");
    draw();
  }

  function draw() {
    tags.refresh();
    const ownTags = tags.of(state.shown);
    for (const button of buttons) setAria(button, "pressed", ownTags.includes(button.dataset.tag));
    const n = Object.keys(tags.all()).length;
    setText(summary, n ? `${n} tagged in this browser · ` : "Tags stay in this browser.");
    exportTags.hidden = !n;
  }

  function save() {
    tags.refresh();
    download(new Blob([tagsCsv(state, tags)], { type: "text/csv" }), "cifar-tags.csv");
  }

  return {
    node,
    /** @param {State} next */
    update(next) {
      state = next;
      draw();
    },
  };
}
