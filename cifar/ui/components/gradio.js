/**
 * Tie the explorer to a Gradio server. Everything that only Gradio has is in this file, in
 * `gradio-classify.js` and in `server.js`; `static/` is their counterpart without a server.
 */

import { mount } from "./explorer/explorer.js";
import { onView, openTab, setView, start } from "./route.js";
import { asking, assetsOf, classify, evidenceOf, onModel, selectedModel } from "./server.js";
import { pageAddress } from "./shared/address.js";
import { SPACE, heard } from "./shared/language.js";
import { linked } from "./shared/styles.js";

const STYLES = ["./explorer/explorer.css", "./evidence/evidence.css"].map(
  (path) => new URL(path, import.meta.url).href,
);

/**
 * What the server knew when it built the page (see `page` in `ui/mistakes.py`).
 * @typedef {object} Page
 * @property {import('./explorer/explorer.js').Adapter['models']} models
 * @property {import('./explorer/explorer.js').Adapter['others']} others
 * @property {string} model
 * @property {string} files address of the folder that packs and sheets are served from
 * @property {import('./evidence/evidence.js').Options} evidence
 * @property {string} space the id of a Hugging Face Space, or ""
 */

/**
 * @param {HTMLElement} element where the explorer goes
 * @param {Page} page
 * @param {import('./server.js').Functions} server
 * @param {import('./server.js').Upload} upload
 */
export async function connect(element, page, server, upload) {
  await linked(...STYLES);
  const ask = asking(server);

  const { download, pack, sheet, neighborSheet } = assetsOf(ask, page.files);
  const explorer = mount(element, {
    models: page.models,
    others: page.others,
    model: page.model,
    start: selectedModel(),
    ...{ pack, sheet, neighborSheet },
    evidence: { options: page.evidence, ...evidenceOf(ask) },
    upload: async (file) => {
      const { path } = await upload(file);
      const found = await ask("compare_upload", { path, name: file.name });
      const note = [found.understood, found.warning].filter(Boolean).map(heard).join(SPACE);
      return { pack: await download(page.files + found.file), note };
    },
    classify(example) {
      classify(example);
      openTab("classify");
    },
    pageQuery: () => location.search,
    setQuery: setView,
    link: (query) => pageAddress(page.space) + opening(query),
  });

  start();
  onView((query) => explorer.show(query));
  onModel((name) => explorer.setModel(name));
}

/**
 * Name the panel in a link that says no more than the model: such a link would open another tab.
 * @param {string} query
 */
function opening(query) {
  const keys = [...new URLSearchParams(query).keys()].filter((key) => key !== "model");
  return keys.length ? query : `${query || "?"}${query && "&"}panel=matrix`;
}
