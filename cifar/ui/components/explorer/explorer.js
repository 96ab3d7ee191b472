/**
 * The explorer of a model's mistakes: the parts of its page, drawn from one state (see `store.js`).
 *
 * The data comes from the adapter that a page provides. See `Adapter`.
 */

import { el, fill, setAria } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { createCompare } from "./compare.js";
import { createDetail } from "./detail.js";
import { createFilters } from "./filters.js";
import { createGallery } from "./gallery.js";
import { createLibrary } from "./library.js";
import { createMap } from "./map.js";
import { createMatrix } from "./matrix.js";
import { createTestSheets } from "./sheets.js";
import { holdsSelections } from "./saved.js";
import { createSlices } from "./slices.js";
import { createStore } from "./store.js";
import { createSummary } from "./summary.js";
import { createTabs } from "./tabs.js";
import { createTags, holdsTags } from "./tags.js";
import { ANY, NO_FILTERS, modelOf, reconciled } from "./view.js";

/** @import { Pack } from "./pack.js" */
/** @import { View } from "./view.js" */

/**
 * What a page provides. All but `models`, `model`, `pack` and `sheet` may be missing; the parts that
 * need a missing one are not shown.
 * @typedef {object} Adapter
 * @property {Array<{name: string, title: string}>} models that can be shown
 * @property {string} model the model that a link without one opens
 * @property {string} [start] the model to show first, whatever the page's link says
 * @property {Array<{name: string, title: string}>} [others] models that can only be compared with
 * @property {(name: string) => Promise<ArrayBuffer>} pack 'images', or the name of a model
 * @property {(k: number) => Promise<string>} sheet the address of a sprite sheet
 * @property {import('../evidence/evidence.js').Server & {options: import('../evidence/evidence.js').Options}} [evidence]
 * @property {(model: string, k: number) => Promise<string>} [neighborSheet] the address of a sheet of
 *   the training images nearest to a model's mistakes
 * @property {(file: File) => Promise<{pack: ArrayBuffer, note: string}>} [upload] predictions as a
 *   pack, and what they were taken for
 * @property {(example: import('../classify/examples.js').Example) => void} [classify] open a test
 *   image in the Classify tab
 * @property {() => string} [pageQuery]
 * @property {(query: string) => void} [setQuery]
 * @property {(query: string) => string} [link]
 */

/**
 * The images within a box or lasso on the map, or those that are tagged: 1 for each, their number,
 * and what they are within: 'box', 'lasso' or 'tagged images'.
 * @typedef {{mask: Uint8Array, count: number, what: string}} Area
 */

/**
 * @typedef {object} State
 * @property {Pack} images
 * @property {Pack} model
 * @property {Pack|null} other the model compared with, once it is loaded
 * @property {Array<{name: string, title: string}>} others models that can be compared with
 * @property {string} otherProblem why the other model did not load, or ''
 * @property {View} view
 * @property {Area|null} area drawn on the map
 * @property {Uint16Array} fails for each image, the filters that it fails; see `failures`
 * @property {ReturnType<typeof import('./select.js').facets>} facets
 * @property {Uint16Array} selection test indices, in order
 * @property {number} shown test index in the detail, or -1
 * @property {number} place position of that image in the selection, or -1
 */

/**
 * What the parts of the page can do.
 * @typedef {object} Actions
 * @property {(patch: Partial<View>, clearArea?: boolean) => void} change the filters and settings
 * @property {(index: number) => void} pick an image
 * @property {(record: {label: number, predicted: number}) => void} alike show all with the label
 *   and the prediction of an image
 * @property {(by: number) => void} step to the next (1) or the previous (-1) image
 * @property {(area: Area|null) => void} setArea
 * @property {() => void} back from the detail to the gallery
 * @property {() => string} query the view as a query string
 * @property {() => string} leftOut the title of an uploaded model that links leave out, or ''
 * @property {() => import('./view.js').Names} names that expressions may use
 * @property {(index: number) => string} link to an image
 * @property {() => Promise<Float32Array>} exact probabilities of the shown model, one row an image
 * @property {() => ReturnType<typeof createTestSheets>} sheets
 * @property {ReturnType<typeof createTags>} tags
 */

/** Below this width, the detail is far from the gallery, and no image is shown before one is picked. */
const ROOMY = 680;
/** Browsers limit how often a page may change its address. */
const ADDRESS_MS = 250;

/**
 * @param {HTMLElement & {explorer?: object}} root
 * @param {Adapter} adapter
 * @returns {{setModel(name: string): Promise<void>, show(query: string): Promise<void>,
 *   destroy(): void}}
 */
export function mount(root, adapter) {
  root.classList.add("explorer", "lens");
  const room = watchRoom(root, () => store.state && store.refresh());
  const store = createStore({
    library: createLibrary(adapter),
    firstModel: adapter.model,
    roomy: room.roomy,
    draw,
    report,
  });
  let parts = /** @type {ReturnType<typeof createParts>} */ (null);
  let note = null;
  let addressTimer;

  function draw(state, follow) {
    if (!parts) {
      parts = createParts(adapter, store, { images: state.images, roomy: room.roomy });
      fill(root, parts.node);
    }
    parts.update(state, follow);
    clearTimeout(addressTimer);
    addressTimer = setTimeout(() => adapter.setQuery?.(store.query()), ADDRESS_MS);
  }

  /** Say why a model did not open; what was shown before stays below. */
  function report(error, retry) {
    note?.remove();
    if (!error) return;
    const again = el("button.link", { onclick: retry }, t("try again"));
    note = el("p.note", { role: "alert" }, `${error.message} `, again);
    if (store.state) root.prepend(note);
    else fill(root, note);
  }

  const onKey = (event) => store.state && root.checkVisibility() && walk(event, parts.step);
  document.addEventListener("keydown", onKey);
  // Another tab of the browser may have changed the visitor's tags, or saved selections.
  /** @param {StorageEvent} event */
  const onStorage = ({ key }) => {
    if (store.state && holdsTags(key)) store.refresh();
    if (holdsSelections(key)) parts?.refreshSaved();
  };
  addEventListener("storage", onStorage);
  const theme = watchTheme(() => parts?.redrawMap());

  const modelNames = adapter.models.map(({ name }) => name);
  const modelIn = (query) => modelOf(query, modelNames) || adapter.model;
  root.explorer = {
    /** Return the test indices that pass all filters, in order. */
    selection: () => (store.state ? Array.from(store.state.selection) : []),
    get view() {
      return store.state?.view ?? null;
    },
    get shown() {
      return store.state?.shown ?? ANY;
    },
    /** Show the view that a query string describes; resolves once it is drawn. */
    show: (query) => store.open(modelIn(query), () => query),
  };

  fill(root, el("p.note", { role: "status" }, t("Loading the predictions ...")));
  const query = adapter.pageQuery?.() ?? "";
  store.open(adapter.start ?? modelIn(query), () => query);

  return {
    /** Show the view that a query string describes. */
    show: (query) => store.open(modelIn(query), () => query),
    async setModel(name) {
      if (modelNames.includes(name)) await store.setModel(name, query);
    },
    destroy() {
      store.destroy();
      clearTimeout(addressTimer);
      theme.disconnect();
      room.disconnect();
      document.removeEventListener("keydown", onKey);
      removeEventListener("storage", onStorage);
      parts?.destroy();
      root.classList.remove("explorer", "lens");
      root.replaceChildren();
      delete root.explorer;
    },
  };
}

/**
 * Make the parts of the page and connect them to the store.
 * @param {Adapter} adapter
 * @param {ReturnType<typeof createStore>} store
 * @param {{images: Pack, roomy: () => boolean}} page
 */
function createParts(adapter, store, { images, roomy }) {
  const { change, setArea } = store;
  /** Set a filter by pointing at the images that it is to show. */
  const pickFilter = (patch) => change(reconciled(store.state.view, patch));
  const linkTo = (patch = {}) => adapter.link(store.query(patch));
  const sheets = createTestSheets(adapter.sheet, images, () => {
    gallery.arrived();
    detail.arrived();
  });
  const query = () => store.query();
  const { leftOut, exact, names } = store;
  const [tags, known] = [createTags(), { query, leftOut, exact, names }];
  const shared = { change, pick, setArea, ...known, sheets: () => sheets, tags };
  const summary = createSummary(pickFilter);
  const filters = createFilters(images, shared, adapter.link ? () => linkTo() : null);
  const gallery = createGallery(shared, tags, () => change(NO_FILTERS, true));
  const detail = createDetail(adapter, images, {
    ...shared,
    alike: ({ label, predicted }) => pickFilter({ true: label, predicted, outcome: "wrong" }),
    step: store.step,
    link: (index) => linkTo({ id: index }),
    back() {
      scrollTo(filters.node);
      gallery.focusPicked();
    },
  });
  const { classes } = images.header;
  const panels = {
    matrix: createMatrix(classes, pickFilter),
    map: createMap(classes, shared),
    slices: createSlices(images, pickFilter),
    compare: createCompare(images, {
      change: pickFilter,
      upload: adapter.upload ? store.upload : null,
    }),
  };
  const tabs = createTabs(
    t("Ways to look at all images"),
    [
      { name: "matrix", title: t("Matrix"), content: panels.matrix.node },
      { name: "map", title: t("Map"), content: panels.map.node },
      { name: "slices", title: t("Slices"), content: panels.slices.node },
      { name: "compare", title: t("Compare"), content: panels.compare.node },
    ],
    (panel) => change({ panel }),
  );
  const widen = el(
    "button.small.widen",
    {
      "aria-pressed": "false",
      "aria-label": t("wide"),
      title: t("wide"),
      onclick() {
        setAria(widen, "pressed", layout.classList.toggle("wide"));
        panels.map.redraw();
      },
    },
    "⤢",
  );
  const overview = el("section.left", { "aria-label": t("Overview") }, widen, tabs.nodes);
  const main = el("div.main", {}, filters.node, gallery.node);

  const layout = el("div.layout", {}, summary.node, overview, main, detail.node);

  function pick(index) {
    store.pick(index);
    if (!roomy()) scrollTo(detail.node);
  }

  return {
    node: layout,
    /** @param {State} state @param {boolean} follow see `createStore` */
    update(state, follow) {
      const { panel } = state.view;
      summary.update(state);
      filters.update(state);
      gallery.update(state, follow);
      detail.update(state);
      tabs.show(panel);
      panels[panel].update(state);
    },
    /** Walk through the gallery. @param {number} by */
    step(by) {
      store.step(by);
      gallery.keepInSight();
    },
    redrawMap: panels.map.redraw,
    refreshSaved: filters.refreshSaved,
    destroy() {
      panels.map.destroy();
      detail.destroy();
    },
  };
}

/** Tell whether the detail stands beside the gallery; a hidden page keeps the last answer. */
function watchRoom(root, changed) {
  let roomy = root.clientWidth >= ROOMY;
  const observer = new ResizeObserver(() => {
    if (!root.clientWidth || roomy === root.clientWidth >= ROOMY) return;
    roomy = !roomy;
    changed();
  });
  observer.observe(root);
  return { roomy: () => roomy, disconnect: () => observer.disconnect() };
}

/** Call back when the page switches its theme, which it does by a class. */
function watchTheme(changed) {
  const observer = new MutationObserver(changed);
  for (const node of [document.documentElement, document.body])
    observer.observe(node, { attributes: true, attributeFilter: ["class"] });
  return observer;
}

/** Walk through the selection with j and k, or ] and [, wherever the focus is but in a field. */
function walk(event, step) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
  const by = { j: 1, "]": 1, k: -1, "[": -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  step(by);
}

function scrollTo(node) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  node.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}
