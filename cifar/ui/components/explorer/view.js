/**
 * The view: everything that a link restores, and the query string that holds it.
 *
 * A link has names (`true=cat`), a view has positions in the packs. Names that the packs do not have
 * are ignored, and a link leaves out defaults.
 */

/** Any class, verdict, band or image: no filter. */
export const ANY = -1;

/** The parameters of a link to a view, beside the model. */
export const KEYS = [
  ...["true", "pred", "outcome", "verdict", "agreement", "confidence", "difficulty"],
  ...["slice", "compare", "where", "sort", "id", "panel"],
];

/** @typedef {'wrong'|'right'|'all'} Outcome */
/** @type {Outcome[]} */
export const OUTCOMES = ["wrong", "right", "all"];

/** @typedef {'matrix'|'map'|'slices'|'compare'} Panel */
/** @type {Panel[]} */
export const PANELS = ["matrix", "map", "slices", "compare"];

/** How two models can differ on an image, in the order of the counts that Python gives. */
export const CELLS = ["both right", "fixed", "broken", "both wrong"];
/** Whether the shown model is right in each of CELLS. @type {Outcome[]} */
export const CELL_OUTCOMES = ["right", "wrong", "right", "wrong"];

/** Return how two models differ on an image, as a position in CELLS. */
export function cellOf(label, shown, other) {
  if (other === label) return shown === label ? 0 : 1;
  return shown === label ? 2 : 3;
}

/**
 * @typedef {object} View
 * @property {string} model name of the model that is shown
 * @property {number} true class, or ANY
 * @property {number} predicted class, or ANY
 * @property {Outcome} outcome
 * @property {number} verdict position in the model's verdicts, or ANY
 * @property {number} agreement band of human agreement, or ANY
 * @property {number} low confidence in percent, from
 * @property {number} high confidence in percent, to
 * @property {number} fewest published networks that miss it, from
 * @property {number} most published networks that miss it, to
 * @property {{key: string, group: number}|null} slice
 * @property {string} other name of the model to compare with; '' is the first one there is
 * @property {number} cell position in CELLS, or ANY
 * @property {string} where an expression, see `expression.js`; '' selects all
 * @property {number} sort position in the model's sorts
 * @property {number} id test index of the image that was picked, or ANY
 * @property {Panel} panel
 */

/** How many published networks there are. */
export const NETWORKS = 30;

/** What "clear all" restores; the settings of the page stay. */
export const NO_FILTERS = Object.freeze({
  true: ANY,
  predicted: ANY,
  outcome: /** @type {Outcome} */ ("wrong"),
  verdict: ANY,
  agreement: ANY,
  low: 0,
  high: 100,
  fewest: 0,
  most: NETWORKS,
  slice: null,
  cell: ANY,
  where: "",
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

/** @param {string} where an expression */
const saysOutcome = (where) => /\boutcome:/.test(where);

/**
 * Return the change to another expression: where it says the outcome, no menu may narrow that.
 * @param {View} view
 * @param {string} where
 * @returns {Partial<View>}
 */
export function withExpression(view, where) {
  if (saysOutcome(where) === saysOutcome(view.where)) return { where };
  return { where, outcome: usualOutcome({ ...view, where }) };
}

/**
 * Return the default outcome: right answers where the other filters allow only those, all where an
 * expression says which, otherwise mistakes.
 * @param {Pick<View, 'true'|'predicted'|'cell'|'where'>} view
 */
export function usualOutcome({ true: label, predicted, cell, where }) {
  if (saysOutcome(where)) return "all";
  if (cell !== ANY) return CELL_OUTCOMES[cell];
  return label !== ANY && label === predicted ? "right" : "wrong";
}

/**
 * Return a change that also removes the older filters that contradict it: right answers have no
 * verdict, and each of CELLS is all right or all wrong.
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
 * @property {Array<{low: number, high: number|null}>} bands of agreement: from, and to under
 * @property {Object<string, number>} slices how many groups each has
 * @property {string[]} sorts
 * @property {number} count
 */

/**
 * Return the names that the packs have.
 * @param {any} images header
 * @param {any} model header
 * @returns {Omit<Names, 'models'|'others'>}
 */
export function names(images, model) {
  return {
    classes: images.recorded,
    verdicts: model.verdicts.map(({ key }) => key),
    agreement: images.agreement.map(({ key }) => key),
    bands: images.agreement,
    slices: Object.fromEntries(images.slices.map(({ key, groups }) => [key, groups.length])),
    sorts: model.sorts,
    count: images.count,
  };
}

/** Return the model that a link names, or '' if there is no such model. */
export function modelOf(query, models) {
  const wanted = new URLSearchParams(query).get("model");
  return models.includes(wanted) ? wanted : "";
}

/**
 * Return the view that a link describes, with defaults for everything that it leaves out.
 * @param {string} query e.g. '?true=cat&pred=dog'
 * @param {Names} known
 * @returns {View}
 */
export function parse(query, known) {
  const asked = new URLSearchParams(query);
  const text = (key) => asked.get(key) ?? "";
  const position = (key, among) => among.indexOf(asked.get(key));
  const view = {
    ...START,
    model: modelOf(query, known.models),
    true: position("true", known.classes),
    predicted: position("pred", known.classes),
    verdict: position("verdict", known.verdicts),
    agreement: position("agreement", known.agreement),
    ...rangeOf(text("confidence"), 100, (low, high) => ({ low, high })),
    ...rangeOf(text("difficulty"), NETWORKS, (fewest, most) => ({ fewest, most })),
    slice: sliceOf(text("slice"), known.slices),
    ...comparisonOf(text("compare"), known.others),
    where: text("where"),
    sort: Math.max(0, position("sort", known.sorts)),
    id: testIndexOf(text("id"), known.count),
    panel: PANELS[Math.max(0, position("panel", PANELS))],
  };
  return { ...view, outcome: OUTCOMES[position("outcome", OUTCOMES)] ?? usualOutcome(view) };
}

/**
 * Parse '80-100'; an invalid range changes nothing.
 * @param {string} text
 * @param {number} end of the highest range
 * @param {(low: number, high: number) => Partial<View>} patch
 */
function rangeOf(text, end, patch) {
  const [, low, high] = /^(\d{1,3})-(\d{1,3})$/.exec(text) ?? [];
  return +low <= +high && +high <= end ? patch(+low, +high) : {};
}

/** Parse 'brightness:0'. @returns {View['slice']} null unless there is such a group */
function sliceOf(text, sizes) {
  const [, key, group] = /^([\w-]+):(\d{1,3})$/.exec(text) ?? [];
  return Object.hasOwn(sizes, key) && +group < sizes[key] ? { key, group: +group } : null;
}

/** Parse 'basenet' or 'basenet:fixed'; an unknown model changes nothing. @returns {Partial<View>} */
function comparisonOf(text, others) {
  const [other, cell = ""] = text.split(":");
  return others.includes(other) ? { other, cell: CELLS.indexOf(cell) } : {};
}

/** Parse a test index. @returns {number} ANY unless there is such an image */
const testIndexOf = (text, count) => (/^\d{1,9}$/.test(text) && +text < count ? +text : ANY);

/**
 * Return a view as a query string.
 * @param {View} view
 * @param {Names} known
 * @param {string} firstModel the model that a link without one opens
 * @returns {string} '?...', or '' for the default view
 */
export function format(view, known, firstModel) {
  const query = new URLSearchParams();
  const set = (key, value, usual) => value !== usual && query.set(key, value);
  set("model", view.model, firstModel);
  if (view.true !== ANY) query.set("true", known.classes[view.true]);
  if (view.predicted !== ANY) query.set("pred", known.classes[view.predicted]);
  // Links leave out uploaded models, which only this page has.
  const cell = known.others.includes(view.other) ? view.cell : ANY;
  set("outcome", view.outcome, usualOutcome({ ...view, cell }));
  if (view.verdict !== ANY) query.set("verdict", known.verdicts[view.verdict]);
  if (view.agreement !== ANY) query.set("agreement", known.agreement[view.agreement]);
  set("confidence", `${view.low}-${view.high}`, `${START.low}-${START.high}`);
  set("difficulty", `${view.fewest}-${view.most}`, `${START.fewest}-${START.most}`);
  if (view.slice) query.set("slice", `${view.slice.key}:${view.slice.group}`);
  if (cell !== ANY) {
    query.set("compare", `${view.other}:${CELLS[cell]}`);
  } else if (known.others.indexOf(view.other) > 0) {
    query.set("compare", view.other);
  }
  if (view.where) query.set("where", view.where);
  if (view.sort) query.set("sort", known.sorts[view.sort]);
  if (view.id !== ANY) query.set("id", String(view.id));
  set("panel", view.panel, START.panel);
  // A colon needs no escape in a query and reads better without one.
  const text = query.toString().replaceAll("%3A", ":");
  return text && `?${text}`;
}
