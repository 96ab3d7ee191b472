/**
 * Say everything in the visitor's language. Code has its texts in English, and `text/` has a table
 * from them to each other language; what a table lacks stays English.
 */

/** What each language calls itself. */
export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  hi: "हिन्दी",
  ja: "日本語",
  zh: "中文",
};

const KEPT = "cifar-lens:language";
/** Names a language in the address, before the one that was chosen earlier. */
const KEY = "lang";

/** @typedef {keyof typeof LANGUAGES} Language */

/** @param {string|null|undefined} name @returns {name is Language} */
const isLanguage = (name) => Object.hasOwn(LANGUAGES, name ?? "");

/** Remember the visitor's language; the page shows it when it is next loaded. @param {string} name */
export function remember(name) {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // storage is closed to this page: it asks the browser again
  }
}

/** Return the language of the address, or else of an earlier choice, or else of the browser. */
function wanted() {
  const named = new URLSearchParams(location.search).get(KEY);
  if (isLanguage(named)) {
    remember(named);
    return named;
  }
  try {
    const kept = localStorage.getItem(KEPT);
    if (isLanguage(kept)) return kept;
  } catch {
    // storage is closed to this page
  }
  return navigator.languages.map((tag) => tag.split("-")[0]).find(isLanguage) ?? "en";
}

/** @type {Language} */
export const language = typeof document === "undefined" ? "en" : wanted();

/**
 * @typedef {object} Table from English
 * @property {Object<string, string>} page what the components say
 * @property {Object<string, string>} server what comes from the server, with values in its place
 */

/** @type {Table} */
const ENGLISH = { page: {}, server: {} };

/** @returns {Promise<Table>} */
async function load() {
  if (language === "en") return ENGLISH;
  try {
    const response = await fetch(new URL(`../text/${language}.json`, import.meta.url));
    return response.ok ? await response.json() : ENGLISH;
  } catch {
    return ENGLISH; // the page can be used
  }
}

/** Who imports this module waits for the table, so that constants may hold texts. */
const table = await load();

/** A text without its placeholders, and their names between. */
const PLACEHOLDER = /\{(\w+)\}/;

/**
 * Return a text in the visitor's language.
 * @param {string} text in English; {names} in braces stand for values
 * @param {Object<string, string|number>} [values] for the placeholders, which stay where there is
 *   none; numbers are grouped
 */
export const t = (text, values = {}) => parts(text, values).join("");

/**
 * Return a text in pieces, so that values can be elements.
 * @template V
 * @param {string} text as for `t`
 * @param {{[name: string]: V}} values
 * @returns {(string|V)[]} in the order of the language
 */
export function parts(text, values) {
  const translated = table.page[text] ?? table.server[text] ?? text;
  return translated
    .split(PLACEHOLDER)
    .map((piece, at) => (at % 2 ? written(values[piece] ?? `{${piece}}`) : piece))
    .filter((piece) => piece !== "");
}

const grouped = new Intl.NumberFormat(language);

/** @template V @param {V} value @returns {V|string} */
const written = (value) => (typeof value === "number" ? grouped.format(value) : value);

const plurals = new Intl.PluralRules(language);

/**
 * Return one of two texts by a number, which is {n} in them.
 * @param {number} n
 * @param {string} one what English says of one
 * @param {string} many
 * @param {Object<string, string|number>} [values] for other placeholders
 */
export const plural = (n, one, many, values = {}) =>
  t(plurals.select(n) === "one" ? one : many, { n, ...values });

/** Between two sentences: Chinese and Japanese have no spaces. */
export const SPACE = ["ja", "zh"].includes(language) ? "" : " ";
/** Between two English sentences. */
const PAUSE = /(?<=[.?!]) (?=[A-Z*])/;
/** A number as Python writes it, with its decimals. */
const NUMBER = /^(?<whole>-?[\d,]+)(?<decimals>\.\d+)?(?<percent>%)?$/;

/** What the server says, to recognise it with values in it. */
const patterns = Object.keys(table.server).map((text) => {
  const pieces = text.split(PLACEHOLDER);
  const pattern = pieces.map((piece, at) =>
    at % 2 ? `(?<${piece}>.+?)` : piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
  );
  return { text, pattern: new RegExp(`^${pattern.join("")}$`, "s") };
});

/** @param {string} value that the server put into a text */
function reread(value) {
  const { whole, decimals = "", percent } = value.match(NUMBER)?.groups ?? {};
  if (!whole) return t(value);
  const digits = Math.max(0, decimals.length - 1);
  return Number(whole.replaceAll(",", "") + decimals).toLocaleString(language, {
    ...(percent ? { style: "unit", unit: "percent" } : {}),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** @param {string} said one sentence, or a name */
function heardOne(said) {
  if (Object.hasOwn(table.server, said)) return t(said);
  for (const { text, pattern } of patterns) {
    const values = Object.entries(said.match(pattern)?.groups ?? {});
    if (values.length)
      return t(text, Object.fromEntries(values.map(([name, value]) => [name, reread(value)])));
  }
  return t(said);
}

/**
 * Return in the visitor's language what the server said in English.
 * @param {string} said one or more sentences, with their values in them, or a name
 */
export const heard = (said) => said.split(PAUSE).map(heardOne).join(SPACE);
