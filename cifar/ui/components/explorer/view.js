/**
 * The view: everything that a link brings back, and the query string that holds it.
 *
 * Names in a link are words (`true=cat`), numbers in a view are positions in the packs. Whatever a
 * link says that the packs do not know is ignored, and defaults are left out.
 */

/** Any class, verdict, band or image: no filter. */
export const ANY = -1;

export const OUTCOMES = ["wrong", "right", "all"];
export const PANELS = ["matrix", "map", "slices", "compare"];

/** How two models can differ on an image, in the order of the counts that Python gives. */
export const CELLS = ["both right", "fixed", "broken", "both wrong"];
/** Whether the shown model is right in each of them. */
export const CELL_OUTCOMES = ["right", "wrong", "right", "wrong"];

/**
 * @typedef {object} View
 * @property {string} model name of the model that is shown
 * @property {number} true class, or ANY
 * @property {number} predicted class, or ANY
 * @property {'wrong'|'right'|'all'} outcome
 * @property {number} verdict position in the model's verdicts, or ANY
 * @property {number} agreement band of human agreement, or ANY
 * @property {number} low confidence in percent, from
 * @property {number} high confidence in percent, to
 * @property {{key: string, group: number}|null} slice
 * @property {string} other name of the model to compare with; '' is the first one there is
 * @property {number} cell position in CELLS, or ANY
 * @property {number} sort position in the model's sorts
 * @property {number} id test index of the image that was picked, or ANY
 * @property {'matrix'|'map'|'slices'|'compare'} panel
 */

/** What "clear all" brings back; how things are shown stays. */
export const NO_FILTERS = Object.freeze({
  true: ANY,
  predicted: ANY,
  outcome: "wrong",
  verdict: ANY,
  agreement: ANY,
  low: 0,
  high: 100,
  slice: null,
  cell: ANY,
});

/** @type {View} */
export const START = Object.freeze({
  ...NO_FILTERS,
  model: "",
  other: "",
  sort: 0,
  id: ANY,
  panel: "matrix",
});

/**
 * The outcome that goes without saying: right answers where a view asks for images that can only be
 * right, mistakes otherwise.
 * @param {Pick<View, 'true'|'predicted'|'cell'>} view
 */
export function usualOutcome({ true: label, predicted, cell }) {
  if (cell !== ANY) return CELL_OUTCOMES[cell];
  return label !== ANY && label === predicted ? "right" : "wrong";
}

/**
 * A change, and with it the end of older filters that no image could pass together with it: right
 * answers have no verdict, and each of CELLS is all right or all wrong. The newest wish wins.
 * @param {View} view
 * @param {Partial<View>} patch
 * @returns {Partial<View>}
 */
export function reconciled(view, patch) {
  const next = { ...view, ...patch };
  const out = { ...patch };
  if (next.outcome === "all") return out;
  if (next.verdict !== ANY && next.outcome === "right") out.verdict = ANY;
  if (next.cell !== ANY && CELL_OUTCOMES[next.cell] !== next.outcome) out.cell = ANY;
  return out;
}

/**
 * The names that a link may use.
 * @typedef {object} Names
 * @property {string[]} models
 * @property {string[]} others every model that can be compared with
 * @property {string[]} classes
 * @property {string[]} verdicts
 * @property {string[]} agreement
 * @property {Object<string, number>} slices how many groups each has
 * @property {string[]} sorts
 * @property {number} count
 */

/** @param {any} images header @param {any} model header @returns {Omit<Names, 'models'|'others'>} */
export function names(images, model) {
  return {
    classes: images.classes,
    verdicts: model.verdicts.map(({ key }) => key),
    agreement: images.agreement.map(({ key }) => key),
    slices: Object.fromEntries(images.slices.map(({ key, groups }) => [key, groups.length])),
    sorts: model.sorts,
    count: images.count,
  };
}

/** The model that a link asks for, or '' if there is none of that name. */
export function modelOf(query, models) {
  const wanted = new URLSearchParams(query).get("model");
  return models.includes(wanted) ? wanted : "";
}

/**
 * @param {string} query e.g. '?true=cat&pred=dog'
 * @param {Names} known
 * @returns {View} with the defaults for all that the query does not say
 */
export function parse(query, known) {
  const asked = new URLSearchParams(query);
  const word = (key, among) => among.indexOf(asked.get(key));
  const view = { ...START };
  view.model = modelOf(query, known.models);
  view.true = word("true", known.classes);
  view.predicted = word("pred", known.classes);
  view.verdict = word("verdict", known.verdicts);
  view.agreement = word("agreement", known.agreement);
  const range = /^(\d{1,3})-(\d{1,3})$/.exec(asked.get("confidence") ?? "");
  if (range && +range[1] <= +range[2] && +range[2] <= 100) {
    [view.low, view.high] = [+range[1], +range[2]];
  }
  const slice = /^([\w-]+):(\d{1,3})$/.exec(asked.get("slice") ?? "");
  if (slice && Object.hasOwn(known.slices, slice[1]) && +slice[2] < known.slices[slice[1]]) {
    view.slice = { key: slice[1], group: +slice[2] };
  }
  const [other, cell] = (asked.get("compare") ?? "").split(":");
  if (known.others.includes(other)) {
    view.other = other;
    view.cell = CELLS.indexOf(cell ?? "");
  }
  view.outcome = OUTCOMES[word("outcome", OUTCOMES)] ?? usualOutcome(view);
  view.sort = Math.max(0, word("sort", known.sorts));
  const id = asked.get("id") ?? "";
  if (/^\d{1,9}$/.test(id) && +id < known.count) view.id = +id;
  view.panel = PANELS[Math.max(0, word("panel", PANELS))];
  return view;
}

/**
 * @param {View} view
 * @param {Names} known
 * @param {string} firstModel the model that a link without one opens
 * @returns {string} '?...', or '' for the view that everybody starts with
 */
export function format(view, known, firstModel) {
  const query = new URLSearchParams();
  const set = (key, value, usual) => value !== usual && query.set(key, value);
  set("model", view.model, firstModel);
  if (view.true !== ANY) query.set("true", known.classes[view.true]);
  if (view.predicted !== ANY) query.set("pred", known.classes[view.predicted]);
  // A model that was uploaded is known to this page alone.
  const cell = known.others.includes(view.other) ? view.cell : ANY;
  set("outcome", view.outcome, usualOutcome({ ...view, cell }));
  if (view.verdict !== ANY) query.set("verdict", known.verdicts[view.verdict]);
  if (view.agreement !== ANY) query.set("agreement", known.agreement[view.agreement]);
  set("confidence", `${view.low}-${view.high}`, `${START.low}-${START.high}`);
  if (view.slice) query.set("slice", `${view.slice.key}:${view.slice.group}`);
  if (cell !== ANY) {
    query.set("compare", `${view.other}:${CELLS[cell]}`);
  } else if (known.others.indexOf(view.other) > 0) {
    query.set("compare", view.other);
  }
  if (view.sort) query.set("sort", known.sorts[view.sort]);
  if (view.id !== ANY) query.set("id", view.id);
  set("panel", view.panel, START.panel);
  // A colon needs no escape in a query and reads better without one.
  const text = query.toString().replaceAll("%3A", ":");
  return text && `?${text}`;
}
