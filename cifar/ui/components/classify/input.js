/** The left side of the tab: the picture that was chosen, its crop, and the examples. */

import { SIDE } from "../shared/heat.js";
import { decoded, drawable, sendable, uprightOf } from "./decode.js";
import { createExamples } from "./examples.js";
import { createPicture } from "./picture.js";
import { kept, keep } from "./kept.js";
import { preview, viewsOf } from "./pixels.js";

/** Types that may be animated; the network sees their first frame. */
const MOVING = ["image/gif", "image/webp"];

/**
 * @typedef {import('./classify.js').Picture} Picture
 * @typedef {import('./classify.js').Fit} Fit
 * @typedef {Omit<import('../evidence/evidence.js').Subject, 'model'>} Subject
 */

/**
 * @param {import('./classify.js').Adapter} adapter
 * @param {object} actions
 * @param {(canvas: HTMLCanvasElement|null) => void} actions.preview called while a crop changes, with
 *   what the network is about to see, where the page can tell
 * @param {(subject: Subject, views: HTMLCanvasElement[]) => void} actions.see called with all that
 *   the network sees, and how to ask about it
 * @param {(message: string) => void} actions.fail called if a crop was not read
 */
export function createInput(adapter, { preview: showPreview, see, fail }) {
  const card = createPicture({ take, box: setBox, fit: setFit });
  const { classes } = adapter.options;
  const examples = createExamples(classes, adapter.examples, pickExample, adapter.privacy);
  /** @type {Picture|null} */
  let picture = null;
  /** How the next picture becomes square, too. @type {Fit} */
  let fit = "crop";
  /**
   * The crop as shares of the picture; null for the one that `fit` makes.
   * @type {[number, number, number, number]|null}
   */
  let box = null;
  /** Counts the pictures and crops that were chosen: the newest one wins. */
  let turn = 0;

  /** @param {import('./classify.js').Seen} seen */
  function ask({ pixels, kind }) {
    const views = viewsOf(pixels);
    const index = picture.example?.index ?? null;
    /** @type {Subject} */
    const subject = {
      image: index === null ? { pixels, kind } : { index },
      key: index === null ? pixels : `test image ${index}`,
      label: picture.example?.label ?? null,
      picture: async () => views[0],
      path: picture.source?.path,
      view: { fit, box },
    };
    see(subject, views);
    keep({ path: picture.source?.path, name: picture.name, example: index, fit, box });
  }

  /**
   * Replace the picture.
   * @param {Picture} next
   * @param {import('./classify.js').Seen} seen of it
   * @param {import('./box.js').Shares|null} [cut]
   */
  function present(next, seen, cut = null) {
    if (picture?.url) URL.revokeObjectURL(picture.url);
    picture = next;
    box = cut;
    card.busy("");
    card.show(picture, fit, box);
    examples.mark(picture.example?.index ?? -1);
    ask(seen);
  }

  /** Return a file as `see` takes it. @param {File} file @returns {Promise<Picture['source']>} */
  async function sent(file) {
    return adapter.upload ? { path: (await adapter.upload(file)).path } : { file };
  }

  /** Read a picture of the visitor. @param {File} given */
  async function take(given) {
    const mine = ++turn;
    const name = given.name || "your picture";
    const doing = adapter.upload ? "sending" : "reading";
    card.busy(`${doing} ${name}, ${(given.size / 2 ** 20).toFixed(1)} MB ...`);
    let url = "";
    try {
      const file = await sendable(given, adapter.maxBytes);
      url = URL.createObjectURL(file);
      const [source, image] = await Promise.all([sent(file), decoded(url)]);
      const current = mine === turn;
      const answer = current && (await adapter.see({ ...source, fit, box: null, unseen: !image }));
      const upright = current && (await uprightOf(image, answer));
      if (mine !== turn) return URL.revokeObjectURL(url);
      const look = drawable(upright, answer, MOVING.includes(file.type));
      present({ source, name, url, example: null, ...look }, answer);
      const verb = adapter.upload ? "sent" : "read";
      if (file !== given) card.note(`The file is large: a smaller copy of it was ${verb}.`);
    } catch (error) {
      URL.revokeObjectURL(url);
      if (mine === turn) card.fail(error.message);
    }
  }

  /**
   * Show a picture that the server has, unless another was chosen meanwhile.
   * @param {number} mine turn
   * @param {{path: string, name: string}} picture
   * @param {import('./box.js').Shares|null} cut
   */
  async function takeStored(mine, { path, name }, cut) {
    const image = await decoded(adapter.fileUrl(path));
    const answer = await adapter.see({ path, fit, box: cut, unseen: !image });
    const upright = await uprightOf(image, answer);
    if (mine !== turn) return;
    present(
      { source: { path }, name, example: null, ...drawable(upright, answer, true) },
      answer,
      cut,
    );
  }

  /** Fetch a picture that was dragged from another page. @param {string} address */
  async function takeAddress(address) {
    const mine = ++turn;
    if (!adapter.fetchPicture || !address)
      return card.fail("What was dropped is no file: save the picture, and drop the file.");
    card.busy("fetching the picture ...");
    try {
      const { path } = await adapter.fetchPicture(address);
      await takeStored(mine, { path, name: nameIn(address) }, null);
    } catch (error) {
      if (mine === turn) card.fail(error.message, () => takeAddress(address));
    }
  }

  function pickExample(example, name) {
    turn++;
    const { pixels } = example;
    const look = drawable(null, { pixels, width: SIDE, height: SIDE });
    present({ source: null, name, example, ...look }, { pixels, kind: "image" });
  }

  /** Preview another crop of the same picture, and ask about it once it rests. */
  function recut(settled) {
    const mine = ++turn;
    showPreview(picture.small && preview(picture.small, fit, box));
    if (settled) readCrop(mine);
  }

  async function readCrop(mine) {
    try {
      const seen = await adapter.see({ ...picture.source, fit, box, again: true });
      if (mine !== turn) return;
      card.busy("");
      ask(seen);
    } catch (error) {
      if (mine !== turn) return;
      card.fail(error.message, () => readCrop(++turn));
      fail(error.message);
    }
  }

  function setBox(shares, settled) {
    box = shares;
    recut(settled);
  }

  function setFit(value) {
    fit = value;
    box = null;
    card.setFit(value);
    card.centre();
    if (picture?.source) recut(true);
  }

  /** Load the examples and show the first picture. */
  async function open() {
    const mine = ++turn;
    card.busy("Loading the examples ...");
    try {
      const pick = await examples.load();
      if (mine !== turn) return;
      const before = kept();
      const { path, name } = before ?? {};
      if (path && adapter.fileUrl) {
        fit = before.fit;
        await takeStored(mine, { path, name }, before.box).catch(() => {
          // The server keeps uploads for two hours, and not when it starts anew.
          if (mine !== turn) return;
          pick();
          keep(before); // a later reload may find it
        });
      } else pick(before?.example);
    } catch (error) {
      if (mine === turn) card.fail(error.message, open);
    }
  }

  return {
    nodes: [card.node, examples.node],
    take,
    takeAddress,
    hover: card.hover,
    fail: (message) => card.fail(message),
    open,
  };
}

/** Return the name of the file at an address. @param {string} address */
function nameIn(address) {
  const last = new URL(address, location.href).pathname.split("/").pop();
  try {
    return decodeURIComponent(last) || "the picture";
  } catch {
    return last; // escapes that are no UTF-8
  }
}
