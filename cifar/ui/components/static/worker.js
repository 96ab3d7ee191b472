/**
 * Runs networks beside the page, so that it answers meanwhile: ONNX Runtime Web on one thread of
 * WebAssembly, fetched with the first question.
 */

/** @type {Promise<any>|null} */
let runtime = null;
const sessions = new Map();
/** The runtime does one thing at a time. */
let before = Promise.resolve();

/** Something that the next try may mend; its message is a sentence. */
class Unfetched extends Error {}

/**
 * A file in whole, telling how far it has come.
 * @param {{url: string, bytes: number}} file with its size
 */
async function fetched({ url, bytes }) {
  const failed = (why) =>
    new Unfetched(`The network could not be fetched (${url}: ${why}): look at your connection.`);
  const response = await fetch(url).catch((error) => {
    throw failed(error.message);
  });
  if (!response.ok) throw failed(response.status);
  const parts = [];
  let done = 0;
  for (const reader = response.body.getReader(); ;) {
    const { value } = await reader.read().catch((error) => {
      throw failed(error.message);
    });
    if (!value) break;
    parts.push(value);
    done += value.length;
    postMessage({ progress: { url, done, of: bytes } });
  }
  if (done !== bytes) throw failed(`${done} of ${bytes} bytes came`);
  return new Blob(parts);
}

async function started({ script, binary }) {
  const [ort, packed] = await Promise.all([import(script), fetched(binary)]);
  const unpacked = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return ort;
}

async function answered({ id, files, network, pixels }) {
  // Both are fetched at once, the first time.
  const coming = sessions.has(network.url) ? null : fetched(network);
  coming?.catch(() => {}); // if the runtime fails, too, that is what is said
  runtime ??= started(files);
  const ort = await runtime;
  if (coming) {
    const content = new Uint8Array(await (await coming).arrayBuffer());
    const options = { executionProviders: ["wasm"] };
    sessions.set(network.url, await ort.InferenceSession.create(content, options));
  }
  const input = new ort.Tensor("uint8", pixels, [1, 32, 32, 3]);
  const found = await sessions.get(network.url).run({ pixels: input });
  const { logits, maps, weights } = found;
  const [, , height, width] = maps.dims;
  return { id, logits: logits.data, maps: maps.data, weights: weights.data, height, width };
}

const sentence = (error) =>
  error instanceof Unfetched
    ? error.message
    : `The network does not run in this browser (${error.message}): try a newer one.`;

addEventListener("message", ({ data }) => {
  before = before
    .then(() => answered(data))
    .then(postMessage, (error) => postMessage({ problem: sentence(error) }));
});
