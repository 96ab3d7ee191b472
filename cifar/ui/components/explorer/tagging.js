/** The visitor's tags for an image, and all tags as a file. */

import { download, el, setAria, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { tagsCsv } from "./export.js";
import { TAGS, inWords, tagsOf } from "./tags.js";

/** @import { Actions, State } from "./explorer.js" */

/** @param {Pick<Actions, 'tags'|'setArea'>} actions */
export function createTagging({ tags, setArea }) {
  const buttons = TAGS.map((tag) =>
    el("button.chip", { "data-tag": tag, onclick: () => toggle(tag) }, inWords([tag])),
  );
  const summary = el("span.quiet");
  const exportTags = el("button.link", { onclick: save }, t("export tags"));
  const showTagged = el("button.link", { onclick: show }, t("show them"));
  const file = el("input", { type: "file", accept: ".csv,text/csv", hidden: true, onchange: read });
  const importTags = el("button.link", { onclick: () => file.click() }, t("import tags"));
  const problem = el("p.problem", { role: "status" });
  const node = el(
    "section",
    {},
    el("h3", {}, t("What do you say?")),
    el("div.chips", { role: "group", "aria-label": t("Tags for this image") }, buttons),
    el("p.tagged", {}, summary, " ", showTagged, " ", exportTags, " ", importTags, file),
    problem,
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
    setText(summary, n ? t("{n} tagged in this browser:", { n }) : t("Tags stay in this browser."));
    exportTags.hidden = showTagged.hidden = !n;
  }

  /** Show the tagged images alone. */
  function show() {
    tags.refresh();
    const mask = new Uint8Array(state.images.count);
    for (const index of Object.keys(tags.all())) mask[+index] = 1;
    setArea({ mask, count: mask.reduce((sum, one) => sum + one, 0), what: "tagged images" });
  }

  /** Add the tags of a file that was exported here or in another browser. */
  async function read() {
    const [given] = file.files;
    file.value = ""; // the same file can be chosen again
    const found = given ? tagsOf(await given.text()) : [];
    setText(
      problem,
      found.length ? "" : t("The file holds no tags: choose one that was exported here."),
    );
    for (const { index, tag } of found) tags.set(index, tag, true);
    draw();
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
