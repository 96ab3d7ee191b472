/**
 * The page without a server: everything it shows is a file beside it, and networks run in the
 * browser. What `gradio.js` and `server.js` are to the app, this is to the site.
 */

import { mount as mountClassify } from "../classify/classify.js";
import { bytesOf, toPixels } from "../classify/pixels.js";
import { mount as mountExplorer } from "../explorer/explorer.js";
import { readPack } from "../explorer/pack.js";
import { createTestSheets } from "../explorer/sheets.js";
import { modelOf } from "../explorer/view.js";
import { pageAddress } from "../shared/address.js";
import { fill, setText } from "../shared/dom.js";
import { createLook } from "./look.js";
import { createNetworks } from "./network.js";
import { networkView, opened, withoutAlpha } from "./seen.js";

const PRIVACY =
  "Your picture stays in this browser: the network comes to it. Whether a picture is unlike those " +
  "of CIFAR-10, whether a heat map can be trusted and what would change the answer is told by the " +
  "app, not by this page.";

/**
 * What Python tells the page (see `cifar/publish/site.py`); addresses are relative to it.
 * @typedef {object} Site
 * @property {Array<{name: string, title: string, network: {url: string, bytes: number}, temperature: number, unsure: number}>} models
 * @property {Array<{name: string, title: string}>} others
 * @property {string} model the one that is shown first
 * @property {any} evidence what the panel offers
 * @property {Array<{index: number, label: number, pixels: string}>} examples
 * @property {Object<string, string>} packs addresses by name
 * @property {string[]} sheets addresses
 * @property {Object<string, string[]>} neighbors addresses of sheets of training images, by model
 * @property {{script: string, binary: {url: string, bytes: number}}} runtime
 * @property {number} maxBytes of a picture's file
 * @property {number} maxPixels of a picture
 * @property {string} space the id of a Hugging Face Space, or ""
 */

/** Absolute, since a worker has another address than the page. */
const absolute = (url) => new URL(url, document.baseURI).href;
const file = ({ url, bytes }) => ({ url: absolute(url), bytes });

/** @returns {Promise<Response>} */
async function fetched(url, options) {
  const response = await fetch(absolute(url), options).catch(() => null);
  if (!response?.ok) {
    const why = response?.status ?? "no answer";
    throw new Error(`${url} could not be fetched (${why}): look at your connection.`);
  }
  return response;
}

/** Everything that the components ask for. @param {Site} site */
export function createAnswers(site) {
  const packs = new Map();

  /** A model's pack may be asked for by several parts of the page. */
  function pack(name) {
    if (!packs.has(name)) {
      const coming = fetched(site.packs[name]).then((response) => response.arrayBuffer());
      packs.set(name, coming);
      coming.catch(() => packs.delete(name)); // it may be there the next time
    }
    return packs.get(name);
  }

  const sheet = async (number) => absolute(site.sheets[number]);

  const known = new Map(site.examples.map(({ index, pixels }) => [index, bytesOf(pixels)]));
  /** The test images with their labels, once they are asked for. */
  let tests = null;

  async function image({ index, pixels }) {
    if (index === undefined) return { pixels: bytesOf(pixels), label: null };
    tests ??= pack("images")
      .then(readPack)
      .then((images) => ({ images, sheets: createTestSheets(sheet, images, () => {}) }));
    tests.catch(() => (tests = null));
    const { images, sheets } = await tests;
    const label = images.columns.label[index];
    if (known.has(index)) return { pixels: known.get(index), label };
    const canvas = await sheets.canvas(index);
    const { width, height } = canvas;
    const bytes = new Uint8Array(3 * width * height);
    withoutAlpha(canvas.getContext("2d").getImageData(0, 0, width, height).data, bytes);
    return { pixels: bytes, label };
  }

  /** The picture that was opened last, as its pixels: it may be cut again and again. */
  let last = { file: null, picture: null };

  async function see({ file: wanted, fit, box }) {
    if (last.file !== wanted) {
      const picture = opened(wanted, site.maxPixels);
      last = { file: wanted, picture };
    }
    const picture = await last.picture;
    const { width, height } = picture;
    return { pixels: toPixels(networkView(picture, fit, box)), width, height };
  }

  const line = document.querySelector("#fetching");
  const run = createNetworks({
    files: { script: absolute(site.runtime.script), binary: file(site.runtime.binary) },
    progress(now) {
      line.hidden = !now;
      if (!now) return;
      const [done, of] = [now.done, now.of].map((bytes) => (bytes / 1e6).toFixed(1));
      // Of the two, only the first is read aloud.
      const [said, amount] = line.querySelectorAll("span");
      setText(said, "Fetching the network, once:");
      setText(amount, `${done} of ${of} MB`);
      Object.assign(line.querySelector("progress"), { max: now.of, value: now.done });
    },
  });
  const models = Object.fromEntries(
    site.models.map(({ name, network, temperature, unsure }) => [
      name,
      { network: file(network), temperature, unsure },
    ]),
  );
  const look = createLook({ models, options: site.evidence, image, run });
  return { pack, sheet, see, look };
}

/** @param {Site} site */
function connect(site) {
  const answers = createAnswers(site);
  const radios = [...document.querySelectorAll("#model input")];
  const tabs = [...document.querySelectorAll("#tabs [role=tab]")];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const names = site.models.map(({ name }) => name);
  let model = modelOf(location.search, names) || site.model;
  const nameOf = (tab) => panelOf(tab).id.replace("tab-", "");
  /** What was made for the tabs that were opened. */
  const parts = {};

  const setQuery = (query) =>
    history.replaceState(history.state, "", location.pathname + query + location.hash);

  const mounts = {
    mistakes: () =>
      mountExplorer(document.querySelector(".explorer-root"), {
        models: site.models,
        others: site.others,
        model: site.model,
        pack: answers.pack,
        sheet: answers.sheet,
        neighborSheet: async (name, number) => absolute(site.neighbors[name][number]),
        evidence: { options: site.evidence, look: answers.look },
        pageQuery: () => location.search,
        setQuery,
        link: (query) => pageAddress(site.space) + query,
      }),
    classify: () =>
      mountClassify(document.querySelector(".classify-root"), {
        model,
        options: site.evidence,
        maxBytes: site.maxBytes,
        privacy: PRIVACY,
        ask: { look: answers.look },
        see: answers.see,
        examples: async () => site.examples,
      }),
  };

  /** Show a tab; what it holds is made, or told of the model, when it is seen. */
  function show(tab) {
    for (const other of tabs) {
      other.setAttribute("aria-selected", other === tab);
      other.tabIndex = other === tab ? 0 : -1;
      panelOf(other).hidden = other !== tab;
    }
    const name = nameOf(tab);
    if (parts[name]) parts[name].setModel(model);
    else parts[name] = mounts[name]?.();
  }

  function choose(tab) {
    const first = tab === tabs[0];
    const hash = first ? "" : `#${nameOf(tab)}`;
    history.replaceState(history.state, "", location.pathname + location.search + hash);
    show(tab);
  }

  function setModel(name) {
    model = name;
    const query = new URLSearchParams(location.search);
    if (name === site.model) query.delete("model");
    else query.set("model", name);
    setQuery(query.size ? `?${query}` : "");
    drawModel();
    show(tabs.find((tab) => tab.getAttribute("aria-selected") === "true"));
  }

  function drawModel() {
    for (const radio of radios) radio.checked = radio.value === model;
    for (const part of document.querySelectorAll("[data-model]"))
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
  window.addEventListener("hashchange", () => show(asked()));
  drawModel();
  show(asked());
  document.querySelector("header").inert = false; // it could not do anything before
}

fetched("page.json", { cache: "no-cache" })
  .then((response) => response.json())
  .then(connect)
  .catch((error) => {
    fill(document.querySelector(".explorer-root"), `The page did not start: ${error.message}`);
  });
