/**
 * The explorer of a model's mistakes: one state, parts that draw it, and actions that change it.
 *
 * Nothing here knows where the data comes from: the adapter that a page gives does. See `Adapter`.
 */

import { el, fill } from "../shared/dom.js";
import { createCompare } from "./compare.js";
import { createDetail } from "./detail.js";
import { createFilters } from "./filters.js";
import { createGallery } from "./gallery.js";
import { createMap } from "./map.js";
import { createMatrix } from "./matrix.js";
import { readPack } from "./pack.js";
import { facets, failures, orderOf, select } from "./select.js";
import { createTestSheets } from "./sheets.js";
import { createSlices } from "./slices.js";
import { createSummary } from "./summary.js";
import { createTags } from "./tags.js";
import { ANY, NO_FILTERS, PANELS, format, modelOf, names, parse, reconciled } from "./view.js";

/**
 * What a page gives. All but `models`, `model`, `pack` and `sheet` may be missing, and then what
 * needs it is not shown.
 * @typedef {object} Adapter
 * @property {Array<{name: string, title: string}>} models that can be shown
 * @property {string} model the one that a link without any opens
 * @property {string} [start] the one to be shown first, whatever the link of the page says
 * @property {Array<{name: string, title: string}>} [others] that can be compared with only
 * @property {(name: string) => Promise<ArrayBuffer>} pack 'images', or the name of a model
 * @property {(k: number) => Promise<string>} sheet the address of a sprite sheet
 * @property {import('../evidence/evidence.js').Server & {options: import('../evidence/evidence.js').Options}} [evidence]
 * @property {(model: string, k: number) => Promise<string>} [neighborSheet] the address of a sheet of
 *   the training images nearest to a model's mistakes
 * @property {(file: File) => Promise<ArrayBuffer>} [upload] predictions as a pack
 * @property {() => string} [pageQuery]
 * @property {(query: string) => void} [setQuery]
 * @property {(query: string) => string} [link]
 */

/**
 * @typedef {object} State
 * @property {import('./pack.js').Pack} images
 * @property {import('./pack.js').Pack} model
 * @property {import('./pack.js').Pack|null} other the model compared with, once it has come
 * @property {Array<{name: string, title: string}>} others that can be compared with
 * @property {string} otherProblem why it did not come
 * @property {import('./view.js').View} view
 * @property {{mask: Uint8Array, count: number, what: string}|null} area drawn on the map
 * @property {Uint16Array} fails
 * @property {ReturnType<typeof facets>} facets
 * @property {Uint16Array} selection test indices, in order
 * @property {number} shown test index in the detail, or -1
 * @property {number} place of it in the selection, or -1
 */

/** Below this width, the detail is far from the gallery, and nothing is picked unasked. */
const ROOMY = 680;
/** Browsers allow a page only so many changes of its address. */
const ADDRESS_MS = 250;
const PANEL_TITLES = { matrix: "Matrix", map: "Map", slices: "Slices", compare: "Compare" };

/**
 * @param {HTMLElement} root
 * @param {Adapter} adapter
 * @returns {{setModel(name: string): Promise<void>, destroy(): void}}
 */
export function mount(root, adapter) {
  root.classList.add("explorer", "lens");
  const packs = new Map();
  const uploaded = new Map();
  const tags = createTags();
  /** @type {State} */
  let state = null;
  let known = null;
  let parts = null;
  let orders = [];
  /** Whether the detail stands beside the gallery; as it was last, while the page hides both. */
  let roomy = root.clientWidth >= ROOMY;
  let addressTimer = 0;
  let destroyed = false;
  /** The model that was last asked for comparison. */
  let wished = "";
  /** Of the newest wish for a model; older ones are dropped. */
  let turn = 0;
  /** The model of that wish. */
  let wanted = "";
  /** What is said where it did not come. */
  let trouble = null;

  function load(name) {
    if (uploaded.has(name)) return Promise.resolve(uploaded.get(name));
    if (!packs.has(name)) {
      const coming = adapter.pack(name).then(readPack);
      packs.set(name, coming);
      coming.catch(() => packs.delete(name));
    }
    return packs.get(name);
  }

  /** Every model that the one of this name can be compared with. */
  const othersOf = (model) => [
    ...adapter.models.filter(({ name }) => name !== model),
    ...(adapter.others ?? []),
    ...[...uploaded.values()].map(({ header: { name, title } }) => ({ name, title })),
  ];

  const namesOf = (images, model) => ({
    ...names(images.header, model.header),
    models: adapter.models.map(({ name }) => name),
    others: othersOf(model.header.name)
      .map(({ name }) => name)
      .filter((name) => !uploaded.has(name)),
  });

  const query = () => format(state.view, known, adapter.model);

  const modelNamed = (asked) =>
    modelOf(
      asked,
      adapter.models.map(({ name }) => name),
    );

  /** Load a model and show it under the view that a query describes. */
  async function open(name, ask) {
    const mine = ++turn;
    wanted = name;
    try {
      const [images, model] = await Promise.all([load("images"), load(name)]);
      if (destroyed || mine !== turn) return;
      // What is asked for is put into words by the lists of the model that was shown until now.
      const asked = ask();
      known = namesOf(images, model);
      const view = { ...parse(asked, known), model: name };
      const others = othersOf(name);
      if (!view.other) view.other = state?.view.other ?? "";
      if (!others.some((other) => other.name === view.other)) view.other = others[0]?.name ?? "";
      // Where a filter needs the other model, it comes first; else after all that does not need it.
      const other = view.cell === ANY ? null : await load(view.other).catch(() => null);
      if (destroyed || mine !== turn) return;
      orders = model.header.sorts.map((_, k) => orderOf(model.columns[`rank_${k}`]));
      const first = !state;
      if (!other && view.cell !== ANY) Object.assign(view, { cell: ANY, outcome: "wrong" });
      state = { images, model, other, others, otherProblem: "", view, area: null };
      trouble?.remove();
      if (first) build();
      redraw({ follow: true });
      if (!other && view.other) compareWith(view.other);
    } catch (error) {
      if (destroyed || mine !== turn) return;
      trouble?.remove();
      trouble = el(
        "p.note",
        { role: "alert" },
        `${error.message} `,
        el("button.link", { onclick: () => open(name, ask) }, "try again"),
      );
      // What was shown until now stays, under the note.
      if (state) root.prepend(trouble);
      else fill(root, trouble);
    }
  }

  /**
   * Compare with another model: once its answers are here, so that no filter waits for them.
   * @param {string} name
   */
  async function compareWith(name) {
    const { model } = state.view;
    wished = name;
    let next;
    try {
      next = { other: await load(name), otherProblem: "" };
    } catch (error) {
      next = { other: null, otherProblem: error.message };
    }
    if (destroyed || wished !== name || state.view.model !== model) return;
    const { view } = state;
    const cell = next.other ? view.cell : ANY;
    state = {
      ...state,
      ...next,
      view: { ...view, other: name, cell, outcome: cell === view.cell ? view.outcome : "wrong" },
    };
    redraw();
  }

  /**
   * @param {Partial<import('./view.js').View>} patch
   * @param {boolean} [areaToo] whether the area on the map goes, too
   */
  function change({ other, ...patch }, areaToo = false) {
    state = { ...state, view: { ...state.view, ...patch }, area: areaToo ? null : state.area };
    redraw();
    if (other !== undefined && other !== state.view.other) compareWith(other);
  }

  /** A filter picked from a picture of the whole: it is to show what was pointed at. */
  const pickFilter = (patch) => change(reconciled(state.view, patch));

  function setArea(area) {
    state = { ...state, area };
    redraw();
  }

  function pick(index, { scroll = true } = {}) {
    state = { ...state, view: { ...state.view, id: index } };
    redraw({ follow: true });
    if (scroll && !roomy) scrollTo(parts.detail.node);
  }

  /** Show the image after (1) or before (-1) the shown one; the first, if that is not among them. */
  function step(by) {
    const { selection, place } = state;
    if (!selection.length) return;
    const to = place < 0 ? 0 : Math.min(selection.length - 1, Math.max(0, place + by));
    pick(selection[to], { scroll: false });
  }

  function scrollTo(node) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    node.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }

  /**
   * Work out what passes and draw it.
   * @param {{follow?: boolean}} [how] follow: turn the gallery to the image that is shown
   */
  function redraw({ follow = false } = {}) {
    const fails = failures(state, state.view, state.area?.mask ?? null);
    const selection = select(fails, orders[state.view.sort]);
    const shown = state.view.id === ANY ? (roomy ? (selection[0] ?? ANY) : ANY) : state.view.id;
    // An unchanged selection stays the same object: the gallery keeps its page.
    const same = state.selection && sameList(state.selection, selection);
    state = {
      ...state,
      fails,
      facets: facets(state, fails),
      selection: same ? state.selection : selection,
      shown,
      place: shown === ANY ? -1 : selection.indexOf(shown),
    };
    parts.summary.update(state);
    parts.filters.update(state);
    parts.gallery.update(state, follow);
    parts.detail.update(state);
    drawPanel();
    clearTimeout(addressTimer);
    addressTimer = setTimeout(() => adapter.setQuery?.(query()), ADDRESS_MS);
  }

  function drawPanel() {
    const { panel } = state.view;
    // Setting a tab index makes the browser lay out the page: only where it changes.
    if (panel !== parts.open) {
      for (const name of PANELS) {
        const tab = parts.tabs[name];
        tab.setAttribute("aria-selected", name === panel);
        tab.tabIndex = name === panel ? 0 : -1;
        parts.panels[name].hidden = name !== panel;
      }
      parts.open = panel;
    }
    parts[panel].update(state);
  }

  function build() {
    const { images } = state;
    const { classes } = images.header;
    const sheets = createTestSheets(adapter.sheet, images, () => {
      parts.gallery.arrived();
      parts.detail.arrived();
    });
    const shared = { change, pick, sheets: () => sheets, tags };
    const linkTo = (view) => adapter.link(format(view, known, adapter.model));
    parts = {};
    parts.summary = createSummary(pickFilter);
    parts.filters = createFilters(images, {
      ...shared,
      clearArea: () => setArea(null),
      query,
      link: adapter.link ? () => linkTo(state.view) : null,
    });
    parts.gallery = createGallery({ ...shared, clear: () => change(NO_FILTERS, true) });
    parts.detail = createDetail(adapter, images, {
      ...shared,
      step,
      back() {
        scrollTo(parts.filters.node);
        parts.gallery.focusPicked();
      },
      link: (index) => linkTo({ ...state.view, id: index }),
    });
    parts.matrix = createMatrix(classes, pickFilter);
    parts.map = createMap(classes, { ...shared, setArea });
    parts.slices = createSlices(images, change);
    parts.compare = createCompare({ change: pickFilter, upload: adapter.upload ? upload : null });
    const left = buildPanels();
    fill(
      root,
      el(
        "div.layout",
        {},
        parts.summary.node,
        left,
        el("div.main", {}, parts.filters.node, parts.gallery.node),
        parts.detail.node,
      ),
    );
  }

  function buildPanels() {
    parts.open = "";
    parts.tabs = {};
    parts.panels = {};
    for (const name of PANELS) {
      parts.panels[name] = el(
        "div.panel",
        { role: "tabpanel", "aria-label": PANEL_TITLES[name] },
        parts[name].node,
      );
      parts.tabs[name] = el(
        "button",
        { role: "tab", onclick: () => change({ panel: name }) },
        PANEL_TITLES[name],
      );
    }
    const tabs = el(
      "div.tabs",
      { role: "tablist", "aria-label": "Ways to look at all images" },
      Object.values(parts.tabs),
    );
    tabs.addEventListener("keydown", (event) => {
      const at = PANELS.indexOf(state.view.panel);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: PANELS.length - 1 }[
        event.key
      ];
      if (to === undefined) return;
      event.preventDefault();
      const name = PANELS[(to + PANELS.length) % PANELS.length];
      change({ panel: name });
      parts.tabs[name].focus();
    });
    return el("section.left", { "aria-label": "Overview" }, tabs, Object.values(parts.panels));
  }

  /** Take in somebody's predictions and compare with them. */
  async function upload(file) {
    const pack = await readPack(await adapter.upload(file));
    uploaded.set(pack.header.name, pack);
    state = { ...state, others: othersOf(state.view.model) };
    await compareWith(pack.header.name); // also where another file of that name was compared with
  }

  /** j and k, or ] and [, walk through the selection from wherever the focus is inside. */
  function onKey(event) {
    if (!state || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const by = { j: 1, "]": 1, k: -1, "[": -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  }

  root.addEventListener("keydown", onKey);
  // The map's colours follow the theme, which pages switch by a class.
  const theme = new MutationObserver(() => parts?.map.redraw());
  for (const node of [document.documentElement, document.body]) {
    theme.observe(node, { attributes: true, attributeFilter: ["class"] });
  }

  const room = new ResizeObserver(() => {
    if (!root.clientWidth || roomy === root.clientWidth >= ROOMY) return;
    roomy = !roomy;
    if (state) redraw();
  });
  room.observe(root);

  root.explorer = {
    /** The test indices that pass all filters, in order. */
    selection: () => (state ? Array.from(state.selection) : []),
    get view() {
      return state?.view ?? null;
    },
    get shown() {
      return state?.shown ?? ANY;
    },
    /** Show the view that a query string describes; resolves once it is drawn. */
    show: (query) => open(modelNamed(query) || adapter.model, () => query),
  };

  fill(root, el("p.note", { role: "status" }, "Loading the predictions ..."));
  const asked = adapter.pageQuery?.() ?? "";
  open(adapter.start ?? (modelNamed(asked) || adapter.model), () => asked);

  return {
    /** Show another model under the same filters. */
    async setModel(name) {
      if (!adapter.models.some((model) => model.name === name) || name === wanted) return;
      // Through words and back: positions in the other model's lists may differ.
      await open(name, () => (state ? query() : asked));
    },
    destroy() {
      destroyed = true;
      turn++;
      clearTimeout(addressTimer);
      theme.disconnect();
      room.disconnect();
      root.removeEventListener("keydown", onKey);
      parts?.map.destroy();
      parts?.detail.destroy();
      root.classList.remove("explorer", "lens");
      root.replaceChildren();
      delete root.explorer;
    },
  };
}

function sameList(a, b) {
  return a.length === b.length && a.every((value, k) => value === b[k]);
}
