/**
 * Expressions that select images: `true:cat pred:dog difficulty:<3 (conf:>90 or people:<0.5)`.
 *
 * Terms side by side must all hold; `or`, `not` and brackets combine them. Names are the English ones
 * of links, in any language of the page, so that an expression can be shared.
 */

import { t } from "../shared/language.js";
import { ANY, NETWORKS, OUTCOMES } from "./view.js";

/** @import { Data } from "./select.js" */
/** @import { Names as All, View } from "./view.js" */
/** @typedef {Omit<All, "models"|"others">} Names */

/** @typedef {(data: Data) => (index: number) => boolean} Selector */

/** What is wrong with an expression, in one sentence. */
export class ExpressionError extends Error {}

const WORDS = ["and", "or", "not"];
/** A link holds no longer expression, and nothing nests deeper than the browser can follow. */
const LONGEST = 1500;
const TOKEN = /\s+|[()]|[^\s()]+/g;
const NUMBER = String.raw`\d+(?:\.\d+)?`;
const COMPARED = new RegExp(`^(<=|>=|<|>)(${NUMBER})$`);
const RANGE = new RegExp(`^(${NUMBER})(?:-(${NUMBER}))?$`);

/**
 * The keys: what each looks at, and its values where these are names.
 * @type {Object<string, {names?: (known: Names) => string[], of: (data: Data) => (i: number) => number,
 *   step?: number}>} step: the unit of the numbers that are typed, in units of `of`
 */
const KEYS = {
  true: { names: (known) => known.classes, of: ({ images }) => at(images.columns.label) },
  pred: { names: (known) => known.classes, of: ({ model }) => at(model.columns.predicted) },
  outcome: {
    names: () => OUTCOMES.slice(0, 2),
    of: ({ images, model }) => {
      const [label, predicted] = [images.columns.label, model.columns.predicted];
      return (i) => Number(label[i] === predicted[i]);
    },
  },
  verdict: {
    names: (known) => known.verdicts,
    of:
      ({ model }) =>
      (i) =>
        model.columns.verdict[i] - 1,
  },
  twin: {
    names: () => ["no", "yes"],
    of:
      ({ images }) =>
      (i) =>
        Number(images.columns.twin[i] !== 65535),
  },
  conf: { of: ({ model }) => at(model.columns.confidence), step: 100 },
  people: { of: ({ images }) => at(images.columns.agreement_share), step: 10_000 },
  difficulty: { of: ({ images }) => at(images.columns.difficulty), step: 1 },
  id: { of: () => (i) => i, step: 1 },
};

const at = (/** @type {ArrayLike<number>} */ column) => (/** @type {number} */ i) => column[i];

/**
 * Return what an expression selects.
 * @param {string} text
 * @param {Names} known
 * @returns {Selector}
 */
export function parseExpression(text, known) {
  const tokens = (text.match(TOKEN) ?? []).filter((token) => token.trim());
  let next = 0;

  /** @returns {Selector} */
  function either() {
    const sides = [both()];
    while (tokens[next]?.toLowerCase() === "or") {
      next++;
      sides.push(both());
    }
    return combined(sides, (tests, i) => tests.some((test) => test(i)));
  }

  /** @returns {Selector} */
  function both() {
    const sides = [];
    for (;;) {
      const word = tokens[next]?.toLowerCase();
      if (word === undefined || word === ")" || word === "or") break;
      if (word === "and" && sides.length) next++;
      sides.push(one());
    }
    if (!sides.length) throw missing();
    return combined(sides, (tests, i) => tests.every((test) => test(i)));
  }

  /** @returns {Selector} */
  function one() {
    const token = tokens[next++];
    if (token === undefined) throw missing();
    if (token.toLowerCase() === "not") {
      const inner = one();
      return combined([inner], ([test], i) => !test(i));
    }
    if (token !== "(") return condition(token, known);
    const inner = either();
    if (tokens[next++] !== ")") throw new ExpressionError(t("A bracket is not closed: add )."));
    return inner;
  }

  const selector = either();
  if (next < tokens.length)
    throw new ExpressionError(t("A bracket is closed that was not opened: remove )."));
  return selector;
}

const missing = () =>
  new ExpressionError(t("A condition is missing: write one, such as true:cat."));

/** @param {Selector[]} sides @param {(tests: Array<(i: number) => boolean>, i: number) => boolean} join */
const combined =
  (sides, join) => /** @returns {(i: number) => boolean} */ (/** @type {Data} */ data) => {
    const tests = sides.map((side) => side(data));
    return (i) => join(tests, i);
  };

/** Return what a term such as 'true:cat' selects. @param {string} token @param {Names} known */
function condition(token, known) {
  const [, key, value] = /^([^:]*):(.*)$/.exec(token) ?? [];
  if (key === "slice") return slice(value, known);
  const found = Object.hasOwn(KEYS, key ?? "") && KEYS[key];
  if (!found)
    throw new ExpressionError(
      t("{token} is no condition: write one of {keys}, a colon and a value.", {
        token,
        keys: [...Object.keys(KEYS), "slice"].join(", "),
      }),
    );
  const accept = value.split(",").map(found.names ? name(key, found.names(known)) : number(key));
  /** @type {Selector} */
  return (data) => {
    const of = found.of(data);
    return (i) => accept.some((test) => test(of(i)));
  };
}

/** @param {string} key @param {string[]} names */
const name = (key, names) => (/** @type {string} */ value) => {
  const wanted = names.indexOf(value.toLowerCase());
  if (wanted < 0)
    throw new ExpressionError(
      t("{key}:{value} is not known: choose {names}.", { key, value, names: names.join(", ") }),
    );
  return (/** @type {number} */ x) => x === wanted;
};

/** @param {string} key */
const number = (key) => (/** @type {string} */ value) => {
  const { step } = KEYS[key];
  const [, sign, bound] = COMPARED.exec(value) ?? [];
  if (sign) {
    const limit = Number(bound) * step;
    if (sign === "<") return (/** @type {number} */ x) => x < limit - SLACK;
    if (sign === ">") return (/** @type {number} */ x) => x > limit + SLACK;
    if (sign === "<=") return (/** @type {number} */ x) => x <= limit + SLACK;
    return (/** @type {number} */ x) => x >= limit - SLACK;
  }
  const [, low, high = low] = RANGE.exec(value) ?? [];
  if (low === undefined || Number(low) > Number(high))
    throw new ExpressionError(
      t("{key}:{value} is no number: write <3, >=5, 7 or 2-9.", { key, value }),
    );
  const [from, to] = [Number(low) * step - SLACK, Number(high) * step + SLACK];
  return (/** @type {number} */ x) => x >= from && x <= to;
};

/** Columns hold whole steps: this much less than one undoes the rounding of a typed number. */
const SLACK = 1e-6;

/** Return what 'slice:brightness:0' selects. @param {string} value @param {Names} known @returns {Selector} */
function slice(value, known) {
  const [, key, group] = /^([\w-]+):(\d{1,3})$/.exec(value) ?? [];
  if (!Object.hasOwn(known.slices, key ?? "") || +group >= known.slices[key])
    throw new ExpressionError(
      t("{key}:{value} is not known: choose {names}.", {
        ...{ key: "slice", value, names: Object.keys(known.slices).join(":0, ") + ":0" },
      }),
    );
  return ({ images }) => {
    const groups = images.columns[/** @type {`slice_${string}`} */ (`slice_${key}`)];
    return (i) => groups[i] === +group;
  };
}

/** Return what is wrong with an expression in one sentence, or ''. @param {string} text @param {Names} known */
export function problemOf(text, known) {
  if (text.length > LONGEST)
    return t("The expression has more than {n} characters: shorten it.", { n: LONGEST });
  try {
    parseExpression(text, known);
    return "";
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

/**
 * Return the expression that selects what the filters of a view select.
 * @param {View} view
 * @param {Names} known
 * @param {ArrayLike<number>|null} [among] test indices, in place of an area on the map
 */
export function expressionOf(view, known, among = null) {
  const { outcome, slice: groups } = view;
  const terms = [
    outcome !== "all" && `outcome:${outcome}`,
    view.true !== ANY && `true:${known.classes[view.true]}`,
    view.predicted !== ANY && `pred:${known.classes[view.predicted]}`,
    view.verdict !== ANY && `verdict:${known.verdicts[view.verdict]}`,
    ...numberTerms(view, known.bands[view.agreement]),
    groups && `slice:${groups.key}:${groups.group}`,
    view.where && `(${view.where})`,
    among && `id:${ranges(among)}`,
  ];
  return terms.filter(Boolean).join(" ") || "id:>=0";
}

/** @param {View} view @param {Names['bands'][number]|undefined} band of agreement */
const numberTerms = ({ low, high, fewest, most }, band) => [
  band && `people:>=${band.low}`,
  band && band.high !== null && `people:<${band.high}`,
  (low > 0 || high < 100) && `conf:${low}-${high}`,
  (fewest > 0 || most < NETWORKS) && `difficulty:${fewest}-${most}`,
];

/** Write sorted whole numbers as '1,5,9-12'. @param {ArrayLike<number>} numbers */
function ranges(numbers) {
  /** @type {Array<[number, number]>} */
  const runs = [];
  for (const n of Array.from(numbers).sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(",");
}

/**
 * Return ways to complete the last word of an expression, as whole expressions.
 * @param {string} text
 * @param {Names} known
 */
export function completions(text, known) {
  const word = /[^\s()]*$/.exec(text)[0];
  const before = text.slice(0, text.length - word.length);
  const [, key, value = ""] = /^(\w+):(?:.*,)?([^,]*)$/.exec(word) ?? [];
  if (!key) {
    const words = [...Object.keys(KEYS), "slice"].map((one) => `${one}:`).concat(WORDS);
    return words.filter((one) => one.startsWith(word.toLowerCase())).map((one) => before + one);
  }
  const stem = before + word.slice(0, word.length - value.length);
  return valuesOf(key, known)
    .filter((one) => one.startsWith(value.toLowerCase()))
    .map((one) => stem + one);
}

/** Return how values of a key can begin. @param {string} key @param {Names} known */
function valuesOf(key, known) {
  if (key === "slice") return Object.keys(known.slices).map((one) => `${one}:`);
  if (!Object.hasOwn(KEYS, key)) return [];
  return KEYS[key].names?.(known) ?? ["<", ">="];
}
