/** Keep what the visitor looks at, so that a reload, as after a lost connection, brings it back. */

const KEY = "cifar-lens:picture";

/**
 * @typedef {object} Kept
 * @property {string} [path] of an upload
 * @property {string} name
 * @property {string} [story] of an example
 * @property {import('./picture.js').Fit} fit
 * @property {import('./box.js').Shares|null} box
 */

/** @param {Kept} picture */
export function keep(picture) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(picture));
  } catch {
    // Storage is closed to this page: a reload shows the first example.
  }
}

/** Return what was kept in this tab of the browser. @returns {Kept|null} */
export function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}
