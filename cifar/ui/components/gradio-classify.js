/**
 * What ties the Classify tab to a Gradio server, as `gradio.js` does for the explorer.
 */

import { mount } from "./classify/classify.js";
import { MODEL_EVENT, asking, evidenceOf, selectedModel } from "./server.js";
import { linked } from "./shared/styles.js";

const STYLES = ["./evidence/evidence.css", "./classify/classify.css"].map(
  (path) => new URL(path, import.meta.url).href,
);

const PRIVACY =
  "Pictures are kept on the server for about two hours and can be read by whoever knows their " +
  "address: do not send private ones.";

/**
 * @param {HTMLElement} element where the tab's content goes
 * @param {object} page what the server knew when it built the page: model, maxBytes of an upload,
 *   and evidence (what its panel offers)
 * @param {Object<string, function(any): Promise<any>>} server Python functions by name
 * @param {function(File): Promise<{path: string}>} upload
 */
export async function connect(element, page, server, upload) {
  await linked(...STYLES);
  const ask = asking(server);
  const classify = mount(element, {
    model: selectedModel() ?? page.model,
    options: page.evidence,
    maxBytes: page.maxBytes,
    privacy: PRIVACY,
    ask: evidenceOf(ask),
    see: (question) => ask("see", question),
    examples: async () => (await ask("examples", {})).examples,
    upload: (file) =>
      upload(file).catch(() => {
        throw new Error("The picture could not be sent: look at your connection, and try again.");
      }),
  });
  window.addEventListener(MODEL_EVENT, (event) => classify.setModel(event.detail));
}
