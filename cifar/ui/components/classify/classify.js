/**
 * The Classify tab: a picture, what the network sees of it, the prediction, and the evidence for it.
 *
 * The data comes from the adapter that a page provides. See `Adapter`.
 */

import { createEvidence } from "../evidence/evidence.js";
import { createChannels, readable } from "../explorer/channels.js";
import { el, fill, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { createAnswer } from "./answer.js";
import { takeDrops, takePastes } from "./incoming.js";
import { createInput } from "./input.js";
import { createLikePart } from "./like.js";
import { createVerdict } from "./verdict.js";

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
 * @property {(model: string) => Promise<import('./examples.js').Example[]>} examples
 * @property {Object<string, {accuracy: number, mistakes: number, learned: number|null}>} facts by model
 * @property {(name: string) => Promise<ArrayBuffer>} pack 'images', or the name of a model
 * @property {(k: number) => Promise<string>} sheet the address of a sheet of test images
 * @property {(query: string) => void} openMistakes show a view of the explorer, "" for all mistakes
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

/**
 * @param {HTMLElement} root
 * @param {Adapter} adapter
 * @returns {{setModel(name: string): void, pick(example: import('./examples.js').Example): void}}
 */
export function mount(root, adapter) {
  root.classList.add("lens", "classify");
  const names = adapter.options.classes;
  const classes = names.map((name) => t(name));
  const answer = createAnswer(classes, { choose, similar });
  const verdict = createVerdict(names);
  const like = createLikePart(adapter);
  const evidence = createEvidence({
    classes,
    options: adapter.options,
    ask: adapter.ask,
    channels: createChannels(adapter.pack, async () => {
      const { createTestSheets } = await import("../explorer/sheets.js");
      const images = await readable(adapter.pack("images"));
      return createTestSheets(adapter.sheet, images, () => {}).canvas;
    }),
  });
  let model = adapter.model;
  /** What the network was asked about last. @type {Omit<import('../evidence/evidence.js').Subject, 'model'>|null} */
  let subject = null;

  /** All that the network sees of it. @type {HTMLCanvasElement[]} */
  let views = [];

  /** The picture that was asked about last, if it is an example. */
  let example = /** @type {Picture['example']} */ (null);

  const describe = () =>
    setText(mistakes, t("All {n} mistakes", { n: adapter.facts[model].mistakes }));

  function wait() {
    answer.wait();
    verdict.wait();
    like.wait();
  }

  /** @param {import('../evidence/evidence.js').Answer} found */
  function present(found) {
    // Of a picture that was made from a test image, the page alone knows the label.
    const said = { ...found, label: found.label ?? example?.label ?? null };
    verdict.show(said, example, adapter.facts[model]);
    answer.show(said);
    like.show(model, found.nearest);
  }

  /** @param {string} message @param {() => void} [again] */
  function fail(message, again) {
    verdict.fail(message, again);
    like.show(model, []);
  }

  /** Show the test images that the network got wrong in the way of an answer. */
  function similar({ label, predicted }) {
    const query = new URLSearchParams({ pred: names[predicted] });
    if (label !== null && label !== predicted) query.set("true", names[label]);
    adapter.openMistakes(`?${query}`);
  }

  /** Ask for the prediction and the evidence. */
  function ask() {
    if (!subject) return;
    wait();
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
      onanswer: (said) => mine === subject && present(said),
      onfailure: (error, again) => mine === subject && fail(error.message, again),
    });
  }

  /** @type {Parameters<typeof createInput>[1]} */
  const actions = {
    preview(canvas) {
      subject = null;
      wait();
      evidence.clear();
      if (canvas) answer.see([canvas]);
    },
    fail,
    see(next, all, { example: known, kind }) {
      example = known;
      answer.see(all, { votes: example?.votes, ready: kind === "ready" });
      [subject, views] = [next, all];
      ask();
    },
  };
  const mistakes = el("button.small", { onclick: () => adapter.openMistakes("") });
  const input = createInput(adapter, actions, mistakes);
  takeDrops(root, input);
  takePastes(root, input);
  fill(
    root,
    el(
      "div.layout",
      {},
      el("div.hero", {}, input.nodes.picture, el("div.words", {}, verdict.node, input.nodes.ways)),
      input.nodes.examples,
      answer.node,
      el("div.card.why", {}, evidence.node),
      evidence.aside && el("div.card.mind", {}, evidence.aside),
      like.node,
      el("p.quiet.privacy", {}, adapter.privacy),
    ),
  );
  describe();
  input.open(model);

  return {
    setModel(name) {
      if (name === model) return;
      model = name;
      describe();
      wait();
      input
        .setModel(name)
        .catch((error) => input.fail(error.message))
        .then((changed) => changed || ask());
    },
    pick: input.pickExample,
  };
}
