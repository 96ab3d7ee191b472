/** Run networks for the page. They are fetched, and run in a worker, when first needed. */

import { heard, t } from "../shared/language.js";

/** @typedef {{url: string, bytes: number}} Sized a file with its size, to show its progress */
/** @typedef {{script: string, binary: Sized}} Runtime files of ONNX Runtime Web */
/** @typedef {{done: number, of: number}} Progress in bytes */

/**
 * What the worker is asked.
 * @typedef {{id: number, files: Runtime, network: Sized, distance: Sized|null, pixels: Uint8Array}}
 *   Task
 */

/**
 * What the network makes of each view of a picture. If the other network was asked for: the distance of
 * the mean of their features to those of CIFAR-10's test images, and which of these are nearest.
 * @typedef {{runs: import('./cam.js').Run[], distance: number|null, nearest: number[]}} Answered
 */

/**
 * What the worker sends: an answer, how far a file has come, or why nothing more will come.
 * @typedef {(Answered & {id: number}) | {progress: Progress & {url: string}}
 *   | {problem: string}} Message
 */

/**
 * A question whose answer is awaited.
 * @typedef {object} Waiting
 * @property {(answered: Answered) => void} resolve
 * @property {(error: Error) => void} reject
 */

/**
 * Run a network on views of 3072 bytes each, and another on their mean features, if any.
 * @typedef {(network: Sized, pixels: Uint8Array, distance: Sized|null) =>
 *   Promise<Answered>} Networks
 */

/**
 * @param {object} site
 * @param {Runtime} site.files
 * @param {(progress: Progress|null) => void} site.progress of all files that are awaited; null once
 *   none is
 * @returns {Networks}
 */
export function createNetworks({ files, progress }) {
  /** @type {Worker|null} */
  let worker = null;
  /** @type {Map<number, Waiting>} */
  const asked = new Map();
  let count = 0;
  /** Files that are coming, by address. @type {Map<string, Progress>} */
  const coming = new Map();

  function start() {
    const mine = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker = mine;
    mine.addEventListener("message", (/** @type {MessageEvent<Message>} */ { data }) => {
      if (mine !== worker) return; // it failed, and another has taken its place
      if ("progress" in data) arrived(data.progress);
      else if ("problem" in data) fail(heard(data.problem));
      else take(data.id).resolve(data);
    });
    mine.addEventListener("error", (event) => {
      event.preventDefault();
      if (mine === worker)
        fail(t("The script that runs the network could not be fetched: look at your connection."));
    });
  }

  /** @param {number} id */
  function take(id) {
    const found = asked.get(id);
    asked.delete(id);
    return found;
  }

  /** Drop everything: the next question starts from the beginning. @param {string} problem */
  function fail(problem) {
    worker.terminate();
    worker = null;
    coming.clear();
    progress(null);
    for (const id of [...asked.keys()]) take(id).reject(new Error(problem));
  }

  /** @param {Progress & {url: string}} progress */
  function arrived({ url, done, of }) {
    if (done < of) coming.set(url, { done, of });
    else coming.delete(url);
    /** @param {keyof Progress} key */
    const sum = (key) => [...coming.values()].reduce((total, file) => total + file[key], 0);
    progress(coming.size ? { done: sum("done"), of: sum("of") } : null);
  }

  return (network, pixels, distance) =>
    new Promise((resolve, reject) => {
      if (!worker) start();
      const id = ++count;
      asked.set(id, { resolve, reject });
      worker.postMessage({ id, files, network, distance, pixels });
    });
}
