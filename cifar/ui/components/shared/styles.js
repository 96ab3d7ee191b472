/**
 * Link the style sheets of components. They are not given to Gradio, which drops container queries
 * from its styles.
 */

import { t } from "./language.js";

const BASE = new URL("./base.css", import.meta.url).href;

/**
 * What was linked already: several components of a page may need the same sheet.
 * @type {Map<string, Promise<Event>>}
 */
const sheets = new Map();

/**
 * Link `base.css` and these sheets, and wait until they apply: else the page would be drawn twice.
 * @param {...string} hrefs absolute addresses, in the order in which they apply
 */
export const linked = (...hrefs) => Promise.all([BASE, ...hrefs].map(link));

/** @param {string} href */
function link(href) {
  if (!sheets.has(href)) {
    sheets.set(
      href,
      new Promise((resolve, reject) => {
        const node = document.createElement("link");
        Object.assign(node, { rel: "stylesheet", href, onload: resolve });
        node.onerror = () => reject(new Error(t("The server did not give {href}.", { href })));
        document.head.append(node);
      }),
    );
  }
  return sheets.get(href);
}
