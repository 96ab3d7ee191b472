/** Tie a tab to the Gradio page around it. */

import { received } from "./evidence/account.js";
import { find } from "./shared/dom.js";
import { heard, t } from "./shared/language.js";

/** The header's model switch fires this event (see `ui/app.py`). */
const MODEL_EVENT = "lens:model";

/**
 * Python functions by name; answers are JSON.
 * @typedef {Object<string, (question: object) => Promise<any>>} Functions
 */

/** @typedef {(name: string, question: object) => Promise<any>} Ask */

/** @typedef {(file: File) => Promise<{path: string}>} Upload */

/**
 * Call Python functions by name; an answer with an `error` is thrown.
 * @param {Functions} server
 * @returns {Ask}
 */
export function asking(server) {
  return async (name, question) => {
    // Gradio keeps what went wrong on the way to itself, and then nothing comes back.
    const answer = await server[name](question);
    if (!answer && !navigator.onLine) throw new Error(t("This browser is offline."));
    if (!answer) throw new Error(t("The server did not answer."));
    if (answer.error) throw new Error(heard(answer.error));
    return answer;
  };
}

/**
 * Give the files that the server makes when they are first needed (see `ui/assets.py`).
 * @param {Ask} ask
 * @param {string} folder that they are in
 */
export function assetsOf(ask, folder) {
  /** @type {Map<string, Promise<string>>} */
  const files = new Map();

  /**
   * Return the address of a file.
   * @param {'pack'|'sheet'|'neighbors'} kind
   * @param {string|number} name
   * @param {number} [number]
   */
  const address = (kind, name, number = 0) => {
    const key = `${kind} ${name} ${number}`;
    if (!files.has(key)) {
      /** @type {Promise<string>} */
      const found = ask("asset", { kind, name, number }).then((answer) => folder + answer.file);
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

  return {
    download,
    /** @param {string} name */
    pack: async (name) => download(await address("pack", name)),
    /** @param {number} number */
    sheet: (number) => address("sheet", number),
    /** @param {string} model @param {number} number */
    neighborSheet: (model, number) => address("neighbors", model, number),
  };
}

/**
 * Give the evidence panel what it asks for (see `ui/evidence.py`).
 * @param {Ask} ask
 * @returns {import('./evidence/evidence.js').Server}
 */
export const evidenceOf = (ask) => ({
  look: (question) => ask("look", question),
  trust: (question) => ask("trust", question),
  probes: (question) => ask("probes", question),
  bundle: (question) => ask("bundle", question),
  account: (question) => ask("account", question).then(received),
  layers: (question) => ask("layers", question),
});

/** @typedef {(example: import('./classify/examples.js').Example) => void} Pick */

/** What shows a picture in the Classify tab, once that has started. @type {Pick|null} */
let pick = null;
/** The picture that it is to show then. @type {Parameters<Pick>[0]|null} */
let waiting = null;

/** Show a picture in the Classify tab. @type {Pick} */
export function classify(example) {
  if (pick) pick(example);
  else waiting = example;
}

/** Take the pictures that other tabs show in the Classify tab. @param {Pick} show */
export function onClassify(show) {
  pick = show;
  if (waiting) show(waiting);
  waiting = null;
}

/** Return the model that the header shows, which may have changed while this script was loading. */
export const selectedModel = () => find(document, "#model input:checked", HTMLInputElement)?.value;

/** Follow the header's model switch. @param {(name: string) => void} change */
export function onModel(change) {
  window.addEventListener(MODEL_EVENT, (event) => {
    if (event instanceof CustomEvent) change(event.detail);
  });
}
