/** Tie the Classify tab to a Gradio server, as `gradio.js` does for the explorer. */

import { mount } from "./classify/classify.js";
import { go, start } from "./route.js";
import { asking, assetsOf, evidenceOf, onClassify, onModel, selectedModel } from "./server.js";
import { t } from "./shared/language.js";
import { linked } from "./shared/styles.js";

const STYLES = ["./evidence/evidence.css", "./classify/classify.css"].map(
  (path) => new URL(path, import.meta.url).href,
);

const PRIVACY = t(
  "Pictures are kept on the server for about two hours and can be read by whoever knows their " +
    "address: do not send private ones.",
);

/**
 * What the server knew when it built the page (see `page` in `ui/classify.py`).
 * @typedef {object} Page
 * @property {string} model
 * @property {import('./classify/classify.js').Adapter['facts']} facts
 * @property {string} files address of the folder that packs and sheets are in
 * @property {number} maxBytes of an upload
 * @property {import('./evidence/evidence.js').Options} evidence
 */

/**
 * @param {HTMLElement} element where the tab's content goes
 * @param {Page} page
 * @param {import('./server.js').Functions} server
 * @param {import('./server.js').Upload} upload
 */
export async function connect(element, page, server, upload) {
  await linked(...STYLES);
  const ask = asking(server);
  const classify = mount(element, {
    model: selectedModel() ?? page.model,
    options: page.evidence,
    maxBytes: page.maxBytes,
    privacy: PRIVACY,
    ask: evidenceOf(ask),
    ...assetsOf(ask, page.files),
    see: (question) => ask("see", question),
    facts: page.facts,
    examples: async (model) => (await ask("examples", { model })).examples,
    openMistakes: go,
    // Where Gradio serves uploads: a reload shows the picture again.
    fileUrl: (path) => new URL(`gradio_api/file=${encodeURI(path)}`, document.baseURI).href,
    fetchPicture: (url) => ask("fetch_picture", { url }),
    upload: (file) =>
      upload(file).catch(() => {
        throw new Error(
          t("The picture could not be sent: look at your connection, and try again."),
        );
      }),
  });
  start();
  onModel((name) => classify.setModel(name));
  onClassify(classify.pick);
}
