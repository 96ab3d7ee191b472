/**
 * What ties the explorer to a Gradio server. Everything that only Gradio has is in this file and in
 * `server.js`; a page without a server needs others of their kind.
 */

import { mount } from "./explorer/explorer.js";
import { MODEL_EVENT, asking, evidenceOf, selectedModel } from "./server.js";
import { pageAddress } from "./shared/address.js";
import { linked } from "./shared/styles.js";

const STYLES = ["./explorer/explorer.css", "./evidence/evidence.css"].map(
  (path) => new URL(path, import.meta.url).href,
);

/**
 * @param {HTMLElement} element where the explorer goes
 * @param {object} page what the server knew when it built the page: models, others, model, files
 *   (the address of the folder that packs and sheets are served from), evidence (what its panel
 *   offers) and space (the id of a Hugging Face Space, or "")
 * @param {Object<string, function(any): Promise<any>>} server Python functions by name
 * @param {function(File): Promise<{path: string}>} upload
 */
export async function connect(element, page, server, upload) {
  await linked(...STYLES);
  const files = new Map();

  const ask = asking(server);

  /** The address of a file that the server makes when it is first needed. */
  const address = (kind, name, number = 0) => {
    const key = `${kind} ${name} ${number}`;
    if (!files.has(key)) {
      const found = ask("asset", { kind, name, number }).then((answer) => page.files + answer.file);
      files.set(key, found);
      found.catch(() => files.delete(key)); // it may be there the next time
    }
    return files.get(key);
  };

  const download = async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`The server did not give ${url} (${response.status}).`);
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
      return download(page.files + (await ask("compare_upload", { path, name: file.name })).file);
    },
    pageQuery: () => location.search,
    setQuery: (query) => history.replaceState(history.state, "", location.pathname + kept(query)),
    link: (query) => pageAddress(page.space) + opening(query),
  });

  window.addEventListener(MODEL_EVENT, (event) => explorer.setModel(event.detail));
}

/** A page whose address says no more than the model opens another tab: the link names the panel. */
function opening(query) {
  const keys = [...new URLSearchParams(query).keys()].filter((key) => key !== "model");
  return keys.length ? query : `${query || "?"}${query && "&"}panel=matrix`;
}

/** Gradio's own settings, such as __theme, stay in the address beside the explorer's. */
function kept(query) {
  const now = [...new URLSearchParams(location.search)];
  const own = new URLSearchParams(now.filter(([key]) => key.startsWith("__")));
  if (!own.size) return query;
  return query ? `${query}&${own}` : `?${own}`;
}
