/** What the visitor chooses: a picture and its crop, or one of the examples. */

import { SIDE } from "../shared/heat.js";
import { heard, t } from "../shared/language.js";
import { decimal } from "../shared/words.js";
import { decoded, drawable, sendable, uprightOf } from "./decode.js";
import { createExamples } from "./examples.js";
import { createPicture } from "./picture.js";
import { kept, keep } from "./kept.js";
import { preview, viewsOf } from "./pixels.js";

/** Types that may be animated; the network sees their first frame. */
const MOVING = ["image/gif", "image/webp"];
const SMALLER = t("The file is large: a smaller copy of it was read.");

/** Say what is being waited for. @param {boolean} sent @param {string} name @param {number} bytes */
function taking(sent, name, bytes) {
  const values = { name, size: decimal(bytes / 2 ** 20, 1) };
  return sent
    ? t("sending {name}, {size} MB ...", values)
    : t("reading {name}, {size} MB ...", values);
}

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
 * @param {(subject: Subject, views: HTMLCanvasElement[], picture: Picture) => void} actions.see called
 *   with all that the network sees of a picture, and how to ask about it
 * @param {(message: string) => void} actions.fail called if a crop was not read
 * @param {HTMLElement|null|undefined} beside another way on, beside the button for a picture
 */
export function createInput(adapter, { preview: showPreview, see, fail }, beside) {
  const card = createPicture(
    { take, box: (shares, settled) => recut(settled, shares), fit: setFit },
    beside,
  );
  const examples = createExamples(adapter.examples, pickExample);
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
    see(subject, views, picture);
    const { source, name, example } = picture;
    keep({ path: source?.path, name, story: example?.story, fit, box });
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
    examples.mark(picture.example?.story ?? "");
    ask(seen);
  }

  /** Read a picture of the visitor. @param {File} given */
  async function take(given) {
    const mine = ++turn;
    const name = given.name || t("your picture");
    card.busy(taking(Boolean(adapter.upload), name, given.size));
    let url = "";
    try {
      const file = await sendable(given, adapter.maxBytes);
      url = URL.createObjectURL(file);
      const [source, image] = await Promise.all([sourceOf(adapter, file), decoded(url)]);
      const current = mine === turn;
      const answer = current && (await adapter.see({ ...source, fit, box: null, unseen: !image }));
      const upright = current && (await uprightOf(image, answer));
      if (mine !== turn) return URL.revokeObjectURL(url);
      const look = drawable(upright, answer, MOVING.includes(file.type));
      present({ source, name, url, example: null, ...look }, answer);
      if (file !== given) card.note(SMALLER);
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
    const look = drawable(upright, answer, true);
    present({ source: { path }, name, example: null, ...look }, answer, cut);
  }

  /** Fetch a picture that was dragged from another page. @param {string} address */
  async function takeAddress(address) {
    const mine = ++turn;
    if (!adapter.fetchPicture || !address)
      return card.fail(t("What was dropped is no file: save the picture, and drop the file."));
    card.busy(t("fetching the picture ..."));
    try {
      const { path } = await adapter.fetchPicture(address);
      await takeStored(mine, { path, name: nameIn(address) }, null);
    } catch (error) {
      if (mine === turn) card.fail(error.message, () => takeAddress(address));
    }
  }

  /** @param {import('./examples.js').Example} example */
  function pickExample(example) {
    turn++;
    const { pixels, kind, story, index } = example;
    const look = drawable(null, { pixels, width: SIDE, height: SIDE });
    const name = index === null ? heard(story) : t("test image #{index}", { index: String(index) });
    present({ source: null, name, example, ...look }, { pixels, kind });
  }

  /** Preview another crop of the same picture, and ask about it once it rests. */
  function recut(settled, shares = null) {
    const mine = ++turn;
    box = shares;
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

  function setFit(value) {
    fit = value;
    box = null;
    card.setFit(value);
    card.centre();
    if (picture?.source) recut(true);
  }

  /** Load the examples and show the first picture. @param {string} model */
  async function open(model) {
    const mine = ++turn;
    card.busy(t("Loading the examples ..."));
    try {
      const exampleOf = await examples.load(model);
      if (mine !== turn) return;
      const before = kept();
      const { path, name } = before ?? {};
      if (path && adapter.fileUrl) {
        fit = before.fit;
        await takeStored(mine, { path, name }, before.box).catch(() => {
          // The server keeps uploads for two hours, and not when it starts anew.
          if (mine !== turn) return;
          pickExample(exampleOf());
          keep(before); // a later reload may find it
        });
      } else pickExample(exampleOf(before?.story));
    } catch (error) {
      if (mine === turn) card.fail(error.message, () => open(model));
    }
  }

  /**
   * Load the examples of another model; if one is shown that it has not, show its first one.
   * @param {string} model
   * @returns {Promise<boolean>} whether another picture is shown now
   */
  async function setModel(model) {
    const mine = turn;
    const exampleOf = await examples.load(model);
    const shown = picture?.example;
    const next = shown?.story && exampleOf(shown.story);
    if (mine !== turn || !next || next.pixels === shown.pixels) return false;
    pickExample(next);
    return true;
  }

  return {
    nodes: { picture: card.node, ways: card.ways, examples: examples.node },
    take,
    takeAddress,
    hover: card.hover,
    fail: (message) => card.fail(message),
    pickExample,
    open,
    setModel,
  };
}

/**
 * Return a file as `see` takes it.
 * @param {import('./classify.js').Adapter} adapter
 * @param {File} file
 * @returns {Promise<Picture['source']>}
 */
const sourceOf = async ({ upload }, file) =>
  upload ? { path: (await upload(file)).path } : { file };

/** Return the name of the file at an address. @param {string} address */
function nameIn(address) {
  const last = new URL(address, location.href).pathname.split("/").pop();
  try {
    return decodeURIComponent(last) || t("the picture");
  } catch {
    return last; // escapes that are no UTF-8
  }
}
