/**
 * What ties the explorer to a Gradio server. Everything that only Gradio has is in this file; a page
 * without a server needs another one of its kind.
 */

import { mount } from "./explorer/explorer.js";

/** Linked rather than given to Gradio, which drops container queries from the styles it is given. */
const STYLES = new URL("./explorer/explorer.css", import.meta.url).href;

/** The header's model switch says so on this event (see `ui/mistakes.py`). */
const MODEL_EVENT = "lens:model";

/**
 * @param {HTMLElement} element where the explorer goes
 * @param {object} page what the server knew when it built the page: models, others, model, files
 *   (the address of the folder that packs and sheets are served from) and space (the id of a
 *   Hugging Face Space, or "")
 * @param {Object<string, function(any): Promise<any>>} server Python functions by name
 * @param {function(File): Promise<{path: string}>} upload
 */
export async function connect(element, page, server, upload) {
  await linked(STYLES);
  const files = new Map();

  /** Calls a Python function; an answer with an `error` becomes one. */
  const ask = async (name, question) => {
    // Gradio keeps what went wrong on the way to itself, and then nothing comes back.
    const answer = await server[name](question);
    if (!answer) throw new Error("The server did not answer.");
    if (answer.error) throw new Error(answer.error);
    return answer;
  };

  /** The address of a file that the server makes when it is first needed. */
  const address = (kind, name) => {
    const key = `${kind} ${name}`;
    if (!files.has(key)) {
      const found = ask("asset", { kind, name }).then((answer) => page.files + answer.file);
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
    model: selectedModel() ?? page.model,
    pack: async (name) => download(await address("pack", name)),
    sheet: (number) => address("sheet", number),
    imagesReady: () => ask("images_ready", {}),
    heatmaps: (model, index) => ask("heat_maps", { model, index }),
    trainThumbnails: (indices) => ask("train_thumbnails", { indices }),
    upload: async (file) => {
      const { path } = await upload(file);
      return download(page.files + (await ask("compare_upload", { path, name: file.name })).file);
    },
    pageQuery: () => location.search,
    setQuery: (query) => history.replaceState(history.state, "", location.pathname + kept(query)),
    link: (query) => pageAddress(page.space) + query,
  });

  window.addEventListener(MODEL_EVENT, (event) => explorer.setModel(event.detail));
}

/** Resolves once a style sheet applies; without it the page would be drawn twice. */
function linked(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.onload = resolve;
    link.onerror = () => reject(new Error(`The server did not give ${href}.`));
    document.head.append(link);
  });
}

/** The model that the header shows, which may have changed while this script was loading. */
function selectedModel() {
  return document.querySelector("#model input:checked")?.value;
}

/** Gradio's own settings, such as __theme, stay in the address beside the explorer's. */
function kept(query) {
  const now = [...new URLSearchParams(location.search)];
  const own = new URLSearchParams(now.filter(([key]) => key.startsWith("__")));
  if (!own.size) return query;
  return query ? `${query}&${own}` : `?${own}`;
}

/** In a Space the app lives in a frame, whose own address is not the one to share. */
function pageAddress(space) {
  const framed = window.parent !== window && space;
  return framed ? `https://huggingface.co/spaces/${space}` : location.origin + location.pathname;
}
