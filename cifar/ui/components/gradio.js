/**
 * Tie the explorer to a Gradio server. Everything that only Gradio has is in this file, in
 * `gradio-classify.js` and in `server.js`; `static/` is their counterpart without a server.
 */

import { mount } from "./explorer/explorer.js";
import { onView, openTab, setView, start } from "./route.js";
import { asking, classify, evidenceOf, onModel, selectedModel } from "./server.js";
import { pageAddress } from "./shared/address.js";
import { SPACE, heard, t } from "./shared/language.js";
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
  /** @type {Map<string, Promise<string>>} */
  const files = new Map();

  const ask = asking(server);

  /**
   * Return the address of a file that the server makes when it is first needed.
   * @param {'pack'|'sheet'|'neighbors'} kind
   * @param {string|number} name
   * @param {number} [number]
   */
  const address = (kind, name, number = 0) => {
    const key = `${kind} ${name} ${number}`;
    if (!files.has(key)) {
      /** @type {Promise<string>} */
      const found = ask("asset", { kind, name, number }).then((answer) => page.files + answer.file);
      files.set(key, found);
      found.catch(() => files.delete(key)); // it may be there the next time
    }
    return files.get(key);
  };

  /** @param {string} url */
  const download = async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(t("The server did not give {href}.", { href: url }));
    return response.arrayBuffer();
  };

  const explorer = mount(element, {
    models: page.models,
    others: page.others,
    model: page.model,
    start: selectedModel(),
    pack: async (name) => download(await address("pack", name)),
    sheet: (number) => address("sheet", number),
    evidence: { options: page.evidence, ...evidenceOf(ask) },
    neighborSheet: (model, number) => address("neighbors", model, number),
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
