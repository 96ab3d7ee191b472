/**
 * Style sheets of components, linked rather than given to Gradio, which drops container queries
 * from the styles it is given.
 */

const BASE = new URL("./base.css", import.meta.url).href;

/** What was linked already: several components of a page may need the same sheet. */
const sheets = new Map();

/**
 * Resolves once these sheets apply, and `base.css` before them; without them the page would be
 * drawn twice.
 * @param {...string} hrefs absolute addresses, in the order in which they apply
 */
export const linked = (...hrefs) => Promise.all([BASE, ...hrefs].map(link));

function link(href) {
  if (!sheets.has(href)) {
    sheets.set(
      href,
      new Promise((resolve, reject) => {
        const node = document.createElement("link");
        Object.assign(node, { rel: "stylesheet", href, onload: resolve });
        node.onerror = () => reject(new Error(`The server did not give ${href}.`));
        document.head.append(node);
      }),
    );
  }
  return sheets.get(href);
}
