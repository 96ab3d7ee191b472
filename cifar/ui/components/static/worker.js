/**
 * Run networks in a worker, so that the page answers meanwhile: ONNX Runtime Web on one thread of
 * WebAssembly, fetched with the first question.
 */

/**
 * The part of ONNX Runtime Web that is used here.
 * @typedef {object} Ort
 * @property {{wasm: {wasmBinary: ArrayBuffer, numThreads: number}, logLevel: string}} env
 * @property {{create(content: Uint8Array, options: object): Promise<Session>}} InferenceSession
 * @property {new (type: string, data: Uint8Array|Float32Array, dims: number[]) => object} Tensor
 */

/** Bytes of a view. */
const VIEW = 3072;

/** @typedef {Object<string, {data: Float32Array, dims: number[]}>} Outputs of a network */
/** @typedef {{run(inputs: Object<string, object>): Promise<Outputs>}} Session of one network */

/** @type {Promise<Ort>|null} */
let runtime = null;
/** Sessions by the address of the network. @type {Map<string, Session>} */
const sessions = new Map();
/** The end of the task before, since the runtime does one thing at a time. */
let before = Promise.resolve();

/** @param {import('./network.js').Message} message */
const send = (message) => postMessage(message);

/** A failed download, which the next try may mend; its message is a sentence. */
class Unfetched extends Error {}

/**
 * Fetch a file, and send how far it has come.
 * @param {import('./network.js').Sized} file
 */
async function fetched({ url, bytes }) {
  /** @param {string} why */
  const failed = (why) =>
    new Unfetched(`The network could not be fetched (${url}: ${why}): look at your connection.`);
  const response = await fetch(url).catch((error) => {
    throw failed(error.message);
  });
  if (!response.ok) throw failed(String(response.status));
  const parts = [];
  let done = 0;
  for (const reader = response.body.getReader(); ;) {
    const { value } = await reader.read().catch((error) => {
      throw failed(error.message);
    });
    if (!value) break;
    parts.push(value);
    done += value.length;
    send({ progress: { url, done, of: bytes } });
  }
  if (done !== bytes) throw failed(`${done} of ${bytes} bytes came`);
  return new Blob(parts);
}

/** Start the runtime. @param {import('./network.js').Runtime} files @returns {Promise<Ort>} */
async function started({ script, binary }) {
  const [ort, packed] = await Promise.all([import(script), fetched(binary)]);
  const unpacked = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}

/** Run a network. @param {import('./network.js').Task} task */
async function answered({ id, files, network, distance, pixels }) {
  // All are fetched at once, the first time.
  const wanted = [network, distance].filter((file) => file !== null && !sessions.has(file.url));
  const coming = wanted.map(fetched);
  for (const file of coming) file.catch(() => {}); // if the runtime fails, too, that is what is said
  runtime ??= started(files);
  const ort = await runtime;
  for (const [k, { url }] of wanted.entries()) {
    const content = new Uint8Array(await (await coming[k]).arrayBuffer());
    const options = { executionProviders: ["wasm"], logSeverityLevel: 3 }; // errors alone
    sessions.set(url, await ort.InferenceSession.create(content, options));
  }
  const count = pixels.length / VIEW;
  const input = new ort.Tensor("uint8", pixels, [count, 32, 32, 3]);
  const { logits, maps, weights, averaged, features } = await sessions
    .get(network.url)
    .run({ pixels: input });
  const [, , height, width] = maps.dims;
  const runs = Array.from({ length: count }, (_, k) => ({
    logits: part(logits.data, k, count),
    maps: part(maps.data, k, count),
    ...{ weights: weights.data, averaged: averaged.data[0] > 0, height, width },
  }));
  let [far, nearest] = [null, []];
  if (distance) {
    const mean = new ort.Tensor("float32", meanOf(features.data, count), [1, features.dims[1]]);
    const found = await sessions.get(distance.url).run({ features: mean });
    [far, nearest] = [found.distance.data[0], Array.from(found.nearest.data)];
  }
  return { id, runs, distance: far, nearest };
}

/** Return the numbers of one of some views. @param {Float32Array} all @param {number} k @param {number} count */
const part = (all, k, count) => all.slice((k * all.length) / count, ((k + 1) * all.length) / count);

/** @param {Float32Array} all of some views @param {number} count */
function meanOf(all, count) {
  const mean = new Float32Array(all.length / count);
  for (const [at, value] of all.entries()) mean[at % mean.length] += value / count;
  return mean;
}

/** @param {Error} error */
const sentence = (error) =>
  error instanceof Unfetched
    ? error.message
    : `The network does not run in this browser (${error.message}): try a newer one.`;

addEventListener("message", (/** @type {MessageEvent<import('./network.js').Task>} */ { data }) => {
  before = before
    .then(() => answered(data))
    .then(send, (error) => send({ problem: sentence(error) }));
});
