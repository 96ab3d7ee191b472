/**
 * The Classify tab: a picture in, what the network sees of it, what it says, and why.
 *
 * Nothing here knows where the data comes from: the adapter that a page gives does. See `Adapter`.
 */

import { createEvidence } from "../evidence/evidence.js";
import { el, fill } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { createAnswer } from "./answer.js";
import { createExamples } from "./examples.js";
import { createPicture } from "./picture.js";
import { fromPixels, preview, reduced } from "./pixels.js";

/**
 * What a page gives.
 * @typedef {object} Adapter
 * @property {string} model
 * @property {any} options what the evidence panel offers, and the names of the classes
 * @property {number} maxBytes of a file
 * @property {string} privacy what becomes of a visitor's picture, in words
 * @property {import('../evidence/evidence.js').Server} ask
 * @property {(file: File) => Promise<{path: string}>} [upload] without it, `see` gets the file itself
 * @property {(question: object) => Promise<{pixels: string, width: number, height: number}>} see
 * @property {() => Promise<import('./examples.js').Example[]>} examples
 */

/**
 * @typedef {object} Picture
 * @property {{path: string}|{file: File}|null} source what `see` knows it by; null for a test image,
 *   whose pixels are there
 * @property {string} name
 * @property {'cut'|'ready'|'unseen'} kind whether it can be cut, has the size already, or cannot be
 *   shown by the browser as the server reads it
 * @property {{src: string, width: number, height: number}} shown
 * @property {HTMLCanvasElement|null} small for previews, where it can be cut
 * @property {string} [url] to be released after use
 * @property {import('./examples.js').Example|null} example
 */

/** Pictures that may move; the network sees their first frame. */
const MOVING = ["image/gif", "image/webp"];

const TEXT_FIELDS =
  "textarea, select, [contenteditable], input:not([type=range], [type=checkbox], [type=radio], [type=file])";

/**
 * @param {HTMLElement} root
 * @param {Adapter} adapter
 * @returns {{setModel(name: string): void}}
 */
export function mount(root, adapter) {
  const { classes } = adapter.options;
  root.classList.add("lens", "classify");
  let model = adapter.model;
  /** @type {Picture|null} */
  let picture = null;
  /** How the next picture becomes square, too. */
  let fit = "crop";
  /** The crop as shares of the picture; null where `fit` says it all. */
  let box = null;
  /** What the network was asked about last. */
  let subject = null;
  /** Of the newest wish for a picture or a crop; older ones are dropped. */
  let turn = 0;

  const card = createPicture({ take, box: cropped, fit: fitted });
  const answer = createAnswer(classes);
  const examples = createExamples(classes, adapter.examples, pick, adapter.privacy);
  const evidence = createEvidence({
    classes,
    options: adapter.options,
    ask: { ...adapter.ask, look },
    compact: false,
  });

  /** The panel asks; what goes wrong is said beside the answer, too. */
  async function look(question) {
    try {
      return await adapter.ask.look(question);
    } catch (error) {
      answer.fail(error.message);
      throw error;
    }
  }

  /** Ask what the network says of what it sees. */
  function ask() {
    if (!subject) return;
    const mine = subject;
    answer.wait();
    evidence.show({ ...subject, model, onanswer: (said) => mine === subject && answer.show(said) });
  }

  function seen(pixels) {
    const canvas = fromPixels(pixels);
    const index = picture.example?.index ?? null;
    answer.see(canvas);
    subject = {
      image: index === null ? { pixels } : { index },
      key: index === null ? pixels : `test image ${index}`,
      label: picture.example?.label ?? null,
      picture: async () => canvas,
      path: picture.source?.path,
      view: { fit, box },
    };
    ask();
  }

  /** A picture that the server has read takes the place of the one that is shown. */
  function present(next, pixels) {
    if (picture?.url) URL.revokeObjectURL(picture.url);
    picture = next;
    box = null;
    card.busy("");
    card.show(picture, fit);
    examples.mark(picture.example?.index ?? -1);
    seen(pixels);
  }

  /** What `see` knows a file by. */
  async function sent(file) {
    if (!adapter.upload) return { file };
    const { path } = await adapter.upload(file);
    return { path };
  }

  async function take(file) {
    const mine = ++turn;
    const megabytes = file.size / 2 ** 20;
    const limit = adapter.maxBytes / 2 ** 20;
    if (megabytes > limit) {
      card.fail(`The file is larger than ${limit} MB: send a smaller picture.`);
      return;
    }
    const doing = adapter.upload ? "sending" : "reading";
    card.busy(`${doing} ${file.name || "the picture"}, ${megabytes.toFixed(1)} MB ...`);
    const url = URL.createObjectURL(file);
    try {
      const [source, image] = await Promise.all([sent(file), decoded(url)]);
      if (mine !== turn) return URL.revokeObjectURL(url);
      const found = await adapter.see({ ...source, fit, box: null });
      if (mine !== turn) return URL.revokeObjectURL(url);
      const name = file.name || "your picture";
      const look = drawable(image, found, MOVING.includes(file.type));
      present({ source, name, url, example: null, ...look }, found.pixels);
    } catch (error) {
      URL.revokeObjectURL(url);
      if (mine === turn) card.fail(error.message);
    }
  }

  function pick(example, name) {
    turn++;
    const look = drawable(null, { pixels: example.pixels, width: SIDE, height: SIDE });
    present({ source: null, name, example, ...look }, example.pixels);
  }

  /** Another crop of the same picture: shown at once, and asked about once it rests. */
  function recut(settled) {
    const mine = ++turn;
    answer.wait();
    if (picture.small) answer.see(preview(picture.small, fit, box));
    if (settled) again(mine);
  }

  async function again(mine) {
    try {
      const { pixels } = await adapter.see({ ...picture.source, fit, box });
      if (mine !== turn) return;
      card.busy("");
      seen(pixels);
    } catch (error) {
      if (mine === turn) card.fail(error.message, () => again(++turn));
    }
  }

  function cropped(shares, settled) {
    box = shares;
    recut(settled);
  }

  function fitted(value) {
    fit = value;
    box = null;
    card.setFit(value);
    card.centre();
    if (picture?.source) recut(true);
  }

  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

  // A file that misses the card must not take the page away: the whole tab catches it.
  root.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    card.hover(true);
  });
  root.addEventListener("dragleave", (event) => {
    if (!root.contains(event.relatedTarget)) card.hover(false);
  });
  root.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    card.hover(false);
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });

  document.addEventListener("paste", (event) => {
    if (!root.checkVisibility() || event.target.closest?.(TEXT_FIELDS)) return;
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return card.fail("There is no picture on the clipboard.");
    event.preventDefault();
    take(file);
  });

  fill(
    root,
    el(
      "div.layout",
      {},
      el("div.left", {}, card.node, examples.node),
      answer.node,
      evidence.aside && el("div.card.mind", {}, evidence.aside),
      el("div.card.why", {}, evidence.node),
    ),
  );

  async function open() {
    const mine = ++turn;
    card.busy("Loading the examples ...");
    try {
      const pickOpening = await examples.load();
      if (mine === turn) pickOpening();
    } catch (error) {
      if (mine === turn) card.fail(error.message, open);
    }
  }
  open();

  return {
    setModel(name) {
      if (name === model) return;
      model = name;
      ask();
    },
  };
}

/**
 * How a picture can be shown, and whether it can be cut.
 * @param {HTMLImageElement|null} image as the browser reads it
 * @param {{pixels: string, width: number, height: number}} found as the server does; JPEG may come
 *   smaller there
 * @param {boolean} [moving] its first frame is to be shown
 * @returns {Pick<Picture, 'kind'|'shown'|'small'>}
 */
function drawable(image, { pixels, width, height }, moving = false) {
  const ready = width === SIDE && height === SIDE;
  // Browsers leave some pictures lying on their side that the server puts upright.
  const lies = image && (image.naturalWidth - image.naturalHeight) * (width - height) < 0;
  if (ready || lies || !image) {
    const shown = { src: fromPixels(pixels).toDataURL(), width: SIDE, height: SIDE };
    return { kind: ready ? "ready" : "unseen", shown, small: null };
  }
  const small = reduced(image);
  const { naturalWidth, naturalHeight } = image;
  const src = moving ? small.toDataURL() : image.src;
  return { kind: "cut", shown: { src, width: naturalWidth, height: naturalHeight }, small };
}

/** A picture as the browser reads it; null if it cannot. @returns {Promise<HTMLImageElement|null>} */
async function decoded(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image.naturalWidth && image.naturalHeight ? image : null;
  } catch {
    return null;
  }
}
