/** The explorer's state and the actions that change it. Nothing here knows of the page. */

import { problemOf } from "./expression.js";
import { facets, failures, orderOf, select } from "./select.js";
import { ANY, format, parse } from "./view.js";

/** @import { State } from "./explorer.js" */
/** @import { View } from "./view.js" */

/**
 * @param {object} page
 * @param {ReturnType<typeof import('./library.js').createLibrary>} page.library
 * @param {string} page.firstModel the model that a link without one opens
 * @param {() => boolean} page.roomy whether the first image is shown before one is picked
 * @param {(state: State, follow: boolean) => void} page.draw follow: turn the gallery to the image
 *   that is shown
 * @param {(error: Error|null, retry: () => void) => void} page.report why a model did not open; null
 *   once one has
 */
export function createStore({ library, firstModel, roomy, draw, report }) {
  let state = /** @type {State} */ (null);
  /** The names that links use under the shown model. */
  let known = null;
  let orders = [];
  let destroyed = false;
  /** Counts the calls of `open`: the newest one wins. */
  let turn = 0;
  /** The models that were requested last: the one to show, and the one to compare with. */
  let requested = "";
  let requestedOther = "";

  /** Change the state, apply the filters, and draw the result. */
  function update(patch, follow = false) {
    state = withSelection({ ...state, ...patch }, orders, roomy());
    draw(state, follow);
  }

  /**
   * Change the filters. An image that they leave out gives its place to the first that they keep.
   * @param {Partial<State>} patch
   */
  function narrow(patch) {
    const next = withSelection({ ...state, ...patch }, orders, roomy());
    const gone = next.selection !== state.selection && next.place < 0;
    update(gone ? { ...patch, view: { ...next.view, id: ANY } } : patch);
  }

  /**
   * Load a model and show it under the view that a query describes. The query is read once the model
   * is loaded, while the previous one is still shown.
   * @param {string} name
   * @param {() => string} queryOf
   */
  async function open(name, queryOf) {
    const mine = ++turn;
    const outdated = () => destroyed || mine !== turn;
    requested = name;
    try {
      const [images, model] = await Promise.all([library.load("images"), library.load(name)]);
      if (outdated()) return;
      const query = queryOf();
      known = library.namesOf(images, model);
      const view = viewOf(query, name);
      // A filter on the comparison needs the other model first; otherwise it can come later.
      const other = view.cell === ANY ? null : await library.load(view.other).catch(() => null);
      if (outdated()) return;
      show({ images, model, other, view });
      if (!other && view.other) compareWith(view.other);
    } catch (error) {
      if (!outdated()) report(error, () => open(name, queryOf));
    }
  }

  /** Return the view of a query, with a model to compare with that is not the shown one. */
  function viewOf(query, name) {
    const view = { ...parse(query, known), model: name };
    // Like names that are not known, an expression that says nothing is ignored.
    if (view.where && problemOf(view.where, known)) view.where = "";
    const others = library.othersOf(name);
    // Links leave out uploads: Back and another model keep them.
    const before = state?.view.other ?? "";
    if (!view.other && library.isUploaded(before)) view.other = before;
    if (!others.some((other) => other.name === view.other)) view.other = others[0]?.name ?? "";
    return view;
  }

  function show({ images, model, other, view }) {
    orders = model.header.sorts.map((_, k) => orderOf(model.columns[`rank_${k}`]));
    const others = library.othersOf(view.model);
    const shownView = other ? view : withoutComparison(view);
    const comparison = { other, others, otherProblem: "" };
    report(null, null);
    update({ images, model, ...comparison, view: shownView, area: null, selection: null }, true);
  }

  /** Compare with another model once it is loaded. */
  async function compareWith(name) {
    const { model } = state.view;
    requestedOther = name;
    let other = null;
    let otherProblem = "";
    try {
      other = await library.load(name);
    } catch (error) {
      otherProblem = error.message;
    }
    if (destroyed || requestedOther !== name || state.view.model !== model) return;
    const view = { ...state.view, other: name };
    update({ other, otherProblem, view: other ? view : withoutComparison(view) });
  }

  /** Return the names that a link may use. */
  const linked = () => ({
    ...known,
    others: known.others.filter((name) => !library.isUploaded(name)),
  });

  function pick(index) {
    update({ view: { ...state.view, id: index } }, true);
  }

  return {
    get state() {
      return state;
    },
    open,
    pick,
    /** Apply the filters again. */
    refresh: () => update({}),
    /** @param {State['area']} area */
    setArea: (area) => narrow({ area }),
    /** Change the view, and remove the area on the map if asked to. @param {Partial<View>} patch */
    change({ other, ...patch }, clearArea = false) {
      narrow({ view: { ...state.view, ...patch }, area: clearArea ? null : state.area });
      if (other !== undefined && other !== state.view.other) compareWith(other);
    },
    /** Show the image after (1) or before (-1) the shown one, or the first of the selection. */
    step(by) {
      const { selection, place } = state;
      if (!selection.length) return;
      const next = place < 0 ? 0 : Math.min(selection.length - 1, Math.max(0, place + by));
      pick(selection[next]);
    },
    /** Show another model under the same filters, or those of a query if none is shown yet. */
    async setModel(name, query) {
      if (name === requested) return;
      // The filters are passed on as words: positions in the other model's lists may differ.
      await open(name, () => (state ? format(state.view, known, firstModel) : query));
    },
    /** Compare with uploaded predictions. @param {File} file */
    async upload(file) {
      const { name, note } = await library.upload(file);
      state = { ...state, others: library.othersOf(state.view.model) };
      known = library.namesOf(state.images, state.model);
      await compareWith(name);
      return note;
    },
    /**
     * Return the view as a query string, after a change, without uploaded models, which only this
     * page has.
     * @param {Partial<View>} [patch]
     */
    query: (patch = {}) => format({ ...state.view, ...patch }, linked(), firstModel),
    /** Return the shown model's probabilities in full precision, one row an image. */
    async exact() {
      const { columns } = await library.load(`${state.view.model}-probabilities`);
      return /** @type {any} */ (columns).probabilities;
    },
    /** Return the names that expressions and links may use. */
    names: () => known,
    /** Return the title of the uploaded model that a link to this view must leave out, or ''. */
    leftOut() {
      const { view, other } = state;
      return view.cell !== ANY && library.isUploaded(view.other) ? other.header.title : "";
    },
    destroy() {
      destroyed = true;
    },
  };
}

/** Return the view without the filter that needs another model. @returns {View} */
function withoutComparison(view) {
  return view.cell === ANY ? view : { ...view, cell: ANY, outcome: "wrong" };
}

/**
 * Return the state with everything that follows from its view.
 * @param {Omit<State, 'fails'|'facets'|'selection'|'shown'|'place'> & {selection?: Uint16Array}} state
 * @param {Uint16Array[]} orders of all images, by sort
 * @param {boolean} roomy whether the first image is shown before one is picked
 * @returns {State}
 */
export function withSelection(state, orders, roomy) {
  const { view, area } = state;
  const fails = failures(state, view, area?.mask ?? null);
  let selection = select(fails, orders[view.sort]);
  // An unchanged selection stays the same object: the gallery keeps its page.
  if (state.selection && sameList(state.selection, selection)) selection = state.selection;
  const first = roomy ? (selection[0] ?? ANY) : ANY;
  const shown = view.id === ANY ? first : view.id;
  const place = shown === ANY ? -1 : selection.indexOf(shown);
  return { ...state, fails, facets: facets(state, fails), selection, shown, place };
}

function sameList(a, b) {
  return a.length === b.length && a.every((value, k) => value === b[k]);
}
