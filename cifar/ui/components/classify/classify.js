/**
 * The Classify tab: a picture, what the network sees of it, the prediction, and the evidence for it.
 *
 * The data comes from the adapter that a page provides. See `Adapter`.
 */

import { createEvidence } from "../evidence/evidence.js";
import { el, fill } from "../shared/dom.js";
import { createAnswer } from "./answer.js";
import { takeDrops, takePastes } from "./incoming.js";
import { createInput } from "./input.js";

/**
 * What a page provides.
 * @typedef {object} Adapter
 * @property {string} model
 * @property {any} options what the evidence panel offers, and the names of the classes
 * @property {number} maxBytes of a file
 * @property {string} privacy what happens to a visitor's picture, in words
 * @property {import('../evidence/evidence.js').Server} ask
 * @property {(file: File) => Promise<{path: string}>} [upload] without it, `see` takes the file itself
 * @property {(path: string) => string} [fileUrl] the address of an upload
 * @property {(url: string) => Promise<{path: string}>} [fetchPicture] fetch a picture of another page
 * @property {(question: object) => Promise<Seen & {width: number, height: number, shown?: string}>} see
 * @property {() => Promise<import('./examples.js').Example[]>} examples
 */

/** @typedef {'crop'|'fit'|'stretch'} Fit how a picture becomes square */

/**
 * All views of a picture that the network sees, and their kind: see `Seen` in `data/pictures.py`.
 * @typedef {{pixels: string, kind: 'image'|'look'|'looks'}} Seen
 */

/**
 * @typedef {object} Picture
 * @property {{path?: string, file?: File}|null} source one of the two, as `see` takes it; null for a
 *   test image, whose pixels are known
 * @property {string} name
 * @property {'cut'|'ready'} kind whether it can be cut, or has the size already
 * @property {{src: string, width: number, height: number}} shown
 * @property {HTMLCanvasElement|null} small for previews, where it can be cut
 * @property {string} [url] to revoke after use
 * @property {import('./examples.js').Example|null} example
 */

/** @param {HTMLElement} root @param {Adapter} adapter @returns {{setModel(name: string): void}} */
export function mount(root, adapter) {
  root.classList.add("lens", "classify");
  const { classes } = adapter.options;
  const answer = createAnswer(classes, choose);
  const evidence = createEvidence({
    classes,
    options: adapter.options,
    ask: adapter.ask,
    compact: false,
  });
  let model = adapter.model;
  /** What the network was asked about last. @type {Omit<import('../evidence/evidence.js').Subject, 'model'>|null} */
  let subject = null;

  /** All that the network sees of it. @type {HTMLCanvasElement[]} */
  let views = [];

  /** Ask for the prediction and the evidence. */
  function ask() {
    if (!subject) return;
    answer.wait();
    explain();
  }

  /** Choose the look at the picture whose evidence is shown. @param {number} k */
  function choose(k) {
    if (!subject || !("pixels" in subject.image)) return;
    const image = { ...subject.image, look: k };
    const key = k ? `${k} ${image.pixels}` : image.pixels;
    subject = { ...subject, image, key, picture: async () => views[k] };
    answer.mark(k);
    explain();
  }

  function explain() {
    const mine = subject;
    evidence.show({
      ...subject,
      model,
      onanswer: (said) => mine === subject && answer.show(said),
      onfailure: (error, again) => mine === subject && answer.fail(error.message, again),
    });
  }

  const input = createInput(adapter, {
    preview(canvas) {
      subject = null;
      answer.wait();
      evidence.clear();
      if (canvas) answer.see([canvas]);
    },
    fail: (message) => answer.fail(message),
    see(next, all) {
      answer.see(all);
      [subject, views] = [next, all];
      ask();
    },
  });
  takeDrops(root, input);
  takePastes(root, input);
  fill(
    root,
    el(
      "div.layout",
      {},
      el("div.left", {}, input.nodes),
      answer.node,
      evidence.aside && el("div.card.mind", {}, evidence.aside),
      el("div.card.why", {}, evidence.node),
    ),
  );
  input.open();

  return {
    setModel(name) {
      if (name === model) return;
      model = name;
      ask();
    },
  };
}
