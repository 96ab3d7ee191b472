/** Keep what a person says about images in this browser, by test index. */

import { t } from "../shared/language.js";

/** The tags as they are kept, and as the page shows them. @type {Object<string, string>} */
const TITLES = {
  "label wrong": t("label wrong"),
  ambiguous: t("ambiguous"),
  "model's fault": t("model's fault"),
  interesting: t("interesting"),
};
export const TAGS = Object.keys(TITLES);

/** @param {string[]} tags */
export const inWords = (tags) => tags.map((tag) => TITLES[tag]).join(", ");

const KEY = "cifar-lens:tags";

/**
 * The tags of all images.
 * @typedef {object} Tags
 * @property {(index: number) => string[]} of
 * @property {(index: number, tag: string, on: boolean) => void} set
 * @property {() => Object<string, string[]>} all by test index
 * @property {() => void} refresh read them anew: another tab of the browser may have written
 */

/** Whether a change of the browser's storage, null for all of it, can be one of tags. */
export const holdsTags = (/** @type {string|null} */ key) => key === KEY || key === null;

/** @returns {Tags} */
export function createTags() {
  let tags = read() ?? {};
  const refresh = () => {
    tags = read() ?? tags;
  };
  return {
    refresh,
    of: (index) => tags[index] ?? [],
    set(index, tag, on) {
      refresh();
      const now = new Set(tags[index]);
      if (on) now.add(tag);
      else now.delete(tag);
      if (now.size) tags[index] = TAGS.filter((name) => now.has(name));
      else delete tags[index];
      try {
        localStorage.setItem(KEY, JSON.stringify(tags));
      } catch {
        // A page in a sandboxed frame has no storage; the tags last as long as the page.
      }
    },
    all: () => tags,
  };
}

/**
 * Return the tags in a CSV file of `tagsCsv`; rows that are none of them are left out.
 * @param {string} text
 * @returns {Array<{index: number, tag: string}>}
 */
export function tagsOf(text) {
  const [head, ...rows] = text.split(/\r?\n/).map((line) => line.split(","));
  const [at, where] = [head.indexOf("index"), head.indexOf("tags")];
  if (at < 0 || where < 0) return [];
  return rows.flatMap((row) =>
    /^\d+$/.test(row[at] ?? "")
      ? (row[where] ?? "")
          .split("; ")
          .filter((tag) => TAGS.includes(tag))
          .map((tag) => ({ index: +row[at], tag }))
      : [],
  );
}

/**
 * Read the stored tags and drop what no version of this page wrote.
 * @returns {Object<string, string[]>|null} null where there is no storage
 */
function read() {
  /** @type {Object<string, string[]>} */
  const tags = {};
  let text;
  try {
    text = localStorage.getItem(KEY);
  } catch {
    return null;
  }
  try {
    const stored = JSON.parse(text ?? "{}");
    for (const [index, names] of Object.entries(stored)) {
      if (!/^\d+$/.test(index) || !Array.isArray(names)) continue;
      const known = TAGS.filter((name) => names.includes(name));
      if (known.length) tags[index] = known;
    }
  } catch {
    // Another program's text.
  }
  return tags;
}
