/**
 * Run the page without a server: everything it shows is a file beside it, and networks run in the
 * browser. `gradio.js` and `gradio-classify.js` do the same with a server.
 */

import { mount as mountClassify } from "../classify/classify.js";
import { bytesOf, toPixels } from "../classify/pixels.js";
import { mount as mountExplorer } from "../explorer/explorer.js";
import { readPack } from "../explorer/pack.js";
import { createTestSheets } from "../explorer/sheets.js";
import { modelOf } from "../explorer/view.js";
import { pageAddress } from "../shared/address.js";
import { fill, find, findAll, setAria, setText } from "../shared/dom.js";
import { offerLanguages, translate } from "../shared/frame.js";
import { createHistory } from "../shared/history.js";
import { t } from "../shared/language.js";
import { decimal } from "../shared/words.js";
import { createLook } from "./look.js";
import { createNetworks } from "./network.js";
import { recordedFirst } from "./recorded.js";
import { drawn, opened, seen, withoutAlpha } from "./seen.js";

const PRIVACY = t(
  "Your picture stays in this browser: the network comes to it. This page draws heat maps of the " +
    "last layer alone; other layers, whether a map can be trusted and what would change the answer " +
    "are in the app.",
);

/**
 * What Python tells the page (see `cifar/publish/static_site.py`); addresses are relative to it.
 * @typedef {object} Site
 * @property {Array<{name: string, title: string, network: {record: string}}
 *   & import('./look.js').Model>} models record: address of a pack, see `recorded.js`
 * @property {Array<{name: string, title: string}>} others
 * @property {string} model the one that is shown first
 * @property {import('../evidence/choices.js').Options} evidence
 * @property {Object<string, import('../classify/examples.js').Example[]>} examples by model
 * @property {import('../classify/classify.js').Adapter['facts']} facts
 * @property {Object<string, string>} packs addresses by name
 * @property {string[]} sheets addresses
 * @property {Object<string, string[]>} neighbors addresses of sheets of training images, by model
 * @property {import('./network.js').Runtime} runtime
 * @property {number} maxBytes of a picture's file
 * @property {number} maxPixels of a picture
 * @property {string} space the id of a Hugging Face Space, or ""
 */

/** Make an address absolute, since a worker has another than the page. @param {string} url */
const absolute = (url) => new URL(url, document.baseURI).href;

/** @param {import('./network.js').Sized} sized @returns {import('./network.js').Sized} */
const file = ({ url, bytes }) => ({ url: absolute(url), bytes });

/** @param {string} url @param {RequestInit} [options] */
async function fetched(url, options) {
  const response = await fetch(absolute(url), options).catch(() => null);
  if (!response?.ok) {
    const why = response?.status ?? t("no answer");
    throw new Error(
      t("{url} could not be fetched ({why}): look at your connection.", { url, why: String(why) }),
    );
  }
  return response;
}

/**
 * @typedef {object} Tests
 * @property {import('../explorer/pack.js').Pack} images
 * @property {import('../explorer/sheets.js').Sheets} sheets
 */

/** @typedef {{setModel(name: string): void}} Part of the page, in a tab */

/** Answer everything that the components ask for. @param {Site} site */
export function createAnswers(site) {
  /** @type {Map<string, Promise<ArrayBuffer>>} */
  const packs = new Map();

  /** Fetch a pack once: several parts of the page may ask for it. @param {string} name */
  function pack(name) {
    if (!packs.has(name)) {
      const coming = fetched(site.packs[name]).then((response) => response.arrayBuffer());
      packs.set(name, coming);
      coming.catch(() => packs.delete(name)); // it may be there the next time
    }
    return packs.get(name);
  }

  /** @param {number} number */
  const sheet = async (number) => absolute(site.sheets[number]);

  const known = new Map(
    Object.values(site.examples)
      .flat()
      .map(({ index, pixels }) => [index, bytesOf(pixels)]),
  );
  /**
   * The test images with their labels, once they are asked for.
   * @type {Promise<Tests>|null}
   */
  let tests = null;

  /**
   * @param {import('../evidence/evidence.js').ImageOf} about
   * @returns {Promise<import('./look.js').Asked>}
   */
  async function image(about) {
    if ("pixels" in about)
      return {
        pixels: bytesOf(about.pixels),
        kind: about.kind,
        look: about.look ?? 0,
        label: null,
      };
    const { index } = about;
    tests ??= pack("images")
      .then(readPack)
      .then((images) => ({ images, sheets: createTestSheets(sheet, images, () => {}) }));
    tests.catch(() => (tests = null));
    const { images, sheets } = await tests;
    const label = images.columns.label[index];
    /** @type {{kind: 'image', look: number}} */
    const whole = { kind: "image", look: 0 };
    if (known.has(index)) return { pixels: known.get(index), ...whole, label };
    const canvas = await sheets.canvas(index);
    const { width, height } = canvas;
    const bytes = new Uint8Array(3 * width * height);
    withoutAlpha(canvas.getContext("2d").getImageData(0, 0, width, height).data, bytes);
    return { pixels: bytes, ...whole, label };
  }

  /**
   * The picture that was opened last, as its pixels: it may be cut again and again.
   * @type {{file: File|null, picture: ReturnType<typeof opened>|null}}
   */
  let last = { file: null, picture: null };

  /** @param {import('./seen.js').Question} question */
  async function see({ file: wanted, fit, box, unseen, again }) {
    if (last.file !== wanted) {
      const picture = opened(wanted, site.maxPixels);
      last = { file: wanted, picture };
    }
    const picture = await last.picture;
    const { width, height } = picture;
    const { bytes, kind } = seen(picture, fit, box);
    const shown = !again && (picture.turned || unseen) && { shown: drawn(picture) };
    return { pixels: toPixels(bytes), kind, width, height, ...shown };
  }

  const line = find(document, "#fetching", HTMLElement);
  const networks = createNetworks({
    files: { script: absolute(site.runtime.script), binary: file(site.runtime.binary) },
    progress(now) {
      line.hidden = !now;
      if (!now) return;
      const [done, of] = [now.done, now.of].map((bytes) => decimal(bytes / 1e6, 1));
      // Of the two, only the first is read aloud.
      const [said, amount] = line.querySelectorAll("span");
      setText(said, t("Fetching the network, once:"));
      setText(amount, t("{done} of {of} MB", { done, of }));
      Object.assign(line.querySelector("progress"), { max: now.of, value: now.done });
    },
  });
  const models = Object.fromEntries(
    site.models.map(({ name, network, calibrated, unlike }) => [
      name,
      {
        ...{ network: file(network), calibrated },
        unlike: { ...unlike, network: file(unlike.network) },
      },
    ]),
  );
  const records = new Map(
    site.models.map(({ network: { url, record } }) => [
      absolute(url),
      () => fetched(record).then((response) => response.arrayBuffer()),
    ]),
  );
  const run = recordedFirst(networks, records);
  const ask = createLook({ models, options: site.evidence, image, run });
  return { pack, sheet, see, ask };
}

/** @param {Site} site */
function connect(site) {
  const answers = createAnswers(site);
  const radios = findAll(document, "#model input", HTMLInputElement);
  const tabs = findAll(document, "#tabs [role=tab]", HTMLElement);
  /** @param {HTMLElement} tab */
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const names = site.models.map(({ name }) => name);
  let model = modelOf(location.search, names) || site.model;
  /** @param {HTMLElement} tab */
  const nameOf = (tab) => panelOf(tab).id.replace("tab-", "");
  /** Parts by the names of the tabs that were opened. @type {Object<string, Part>} */
  const parts = {};

  let query = location.search;
  let hash = location.hash;
  const route = createHistory({
    compose: () => location.pathname + query + hash,
    follow() {
      [query, hash] = [location.search, location.hash];
      model = modelOf(query, names) || site.model;
      drawModel();
      explorer?.show(query);
      show(asked());
    },
  });
  /** @type {ReturnType<typeof mountExplorer>|null} */
  let explorer = null;
  /** @type {ReturnType<typeof mountClassify>|null} */
  let classify = null;

  /** @param {string} next */
  function setQuery(next) {
    query = next;
    route.write();
  }

  /** @type {Object<string, () => Part>} */
  const mounts = {
    mistakes: () =>
      (explorer = mountExplorer(document.querySelector(".explorer-root"), {
        models: site.models,
        others: site.others,
        model: site.model,
        pack: answers.pack,
        sheet: answers.sheet,
        neighborSheet: async (name, number) => absolute(site.neighbors[name][number]),
        evidence: { options: site.evidence, ...answers.ask },
        classify(example) {
          choose(tabs.find((tab) => nameOf(tab) === "classify"));
          classify.pick(example);
        },
        pageQuery: () => location.search,
        // A hidden explorer is told of another model only when it is opened.
        setQuery: (next) =>
          document.querySelector(".explorer-root").checkVisibility() && setQuery(next),
        link: (linked) => pageAddress(site.space) + linked,
      })),
    classify: () =>
      (classify = mountClassify(document.querySelector(".classify-root"), {
        model,
        options: site.evidence,
        maxBytes: site.maxBytes,
        privacy: PRIVACY,
        ask: answers.ask,
        ...{ see: answers.see, pack: answers.pack, sheet: answers.sheet },
        facts: site.facts,
        examples: async (name) => site.examples[name],
        openMistakes(next) {
          const params = new URLSearchParams(next);
          if (model !== site.model) params.set("model", model);
          choose(tabs.find((tab) => nameOf(tab) === "mistakes"));
          setQuery(params.size ? `?${params}` : "");
          explorer.show(query);
        },
      })),
  };

  /** Show a tab, and make or update its content. @param {HTMLElement} tab */
  function show(tab) {
    for (const other of tabs) {
      setAria(other, "selected", other === tab);
      other.tabIndex = other === tab ? 0 : -1;
      panelOf(other).hidden = other !== tab;
    }
    const name = nameOf(tab);
    if (parts[name]) parts[name].setModel(model);
    else parts[name] = mounts[name]?.();
  }

  /** @param {HTMLElement} tab */
  function choose(tab) {
    hash = tab === tabs[0] ? "" : `#${nameOf(tab)}`;
    route.write();
    show(tab);
  }

  /** @param {string} name */
  function setModel(name) {
    model = name;
    const params = new URLSearchParams(query);
    if (name === site.model) params.delete("model");
    else params.set("model", name);
    setQuery(params.size ? `?${params}` : "");
    drawModel();
    show(tabs.find((tab) => tab.getAttribute("aria-selected") === "true"));
  }

  function drawModel() {
    for (const radio of radios) radio.checked = radio.value === model;
    for (const part of findAll(document, "[data-model]", HTMLElement))
      part.hidden = part.dataset.model !== model;
  }

  for (const radio of radios) radio.addEventListener("change", () => setModel(radio.value));
  for (const tab of tabs) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(tab);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[
        event.key
      ];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  }
  // A file that misses its place must not take the page away.
  for (const type of ["dragover", "drop"])
    window.addEventListener(type, (event) => event.preventDefault());
  const asked = () => tabs.find((tab) => `#${nameOf(tab)}` === location.hash) ?? tabs[0];
  drawModel();
  show(asked());
  translate(tabs);
  offerLanguages();
  document.querySelector("header").inert = false; // it could not do anything before
}

fetched("page.json", { cache: "no-cache" })
  .then((response) => response.json())
  .then(connect)
  .catch((error) => {
    fill(
      document.querySelector(".explorer-root"),
      t("The page did not start: {why}", { why: error.message }),
    );
  });
