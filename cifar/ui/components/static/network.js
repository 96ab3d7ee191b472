/** The networks, asked from the page: they are fetched, and run in a worker, when first needed. */

/**
 * @typedef {{url: string, bytes: number}} File with its size, for a line on how far it has come
 */

/**
 * @param {object} site
 * @param {{script: string, binary: File}} site.files of ONNX Runtime Web
 * @param {(progress: {done: number, of: number}|null) => void} site.progress bytes fetched of those
 *   that are awaited; null once nothing is
 * @returns {(network: File, pixels: Uint8Array) => Promise<import('./cam.js').Run>} pixels: 3072
 *   bytes
 */
export function createNetworks({ files, progress }) {
  /** @type {Worker|null} */
  let worker = null;
  const asked = new Map();
  let count = 0;
  /** Files that are coming, by address. */
  const coming = new Map();

  function start() {
    const mine = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker = mine;
    mine.addEventListener("message", ({ data }) => {
      if (mine !== worker) return; // it failed, and another has taken its place
      if (data.progress) arrived(data.progress);
      else if (data.problem) fail(data.problem);
      else {
        const { resolve } = take(data.id);
        resolve(data);
      }
    });
    mine.addEventListener("error", (event) => {
      event.preventDefault();
      if (mine === worker)
        fail("The script that runs the network could not be fetched: look at your connection.");
    });
  }

  function take(id) {
    const found = asked.get(id);
    asked.delete(id);
    return found;
  }

  /** Nothing goes on after a failure: the next question starts from the beginning. */
  function fail(problem) {
    worker.terminate();
    worker = null;
    coming.clear();
    progress(null);
    for (const id of [...asked.keys()]) take(id).reject(new Error(problem));
  }

  function arrived({ url, done, of }) {
    if (done < of) coming.set(url, { done, of });
    else coming.delete(url);
    const sum = (key) => [...coming.values()].reduce((total, file) => total + file[key], 0);
    progress(coming.size ? { done: sum("done"), of: sum("of") } : null);
  }

  return (network, pixels) =>
    new Promise((resolve, reject) => {
      if (!worker) start();
      const id = ++count;
      asked.set(id, { resolve, reject });
      worker.postMessage({ id, files, network, pixels });
    });
}
