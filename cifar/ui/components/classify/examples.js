/** Pictures to start with: ten test images, or photographs until those are there. */

import { el, fill } from "../shared/dom.js";

const POLL_MS = 3000;

/**
 * @typedef {object} Example
 * @property {string} key
 * @property {string} caption
 * @property {number|null} index of a test image; null for a photograph
 * @property {number|null} label of a test image
 * @property {string} pixels what the network sees of it, as of `fromPixels`
 * @property {string} thumbnail address
 * @property {string|null} picture address of a photograph
 */

/**
 * @param {() => Promise<{examples: Example[], opening: string, ready: boolean}>} request
 * @param {() => Promise<{ready: boolean}>} [imagesReady] needed where they may be awaited
 * @param {(example: Example) => void} pick
 * @param {string} privacy what becomes of a visitor's picture
 */
export function createExamples(request, imagesReady, pick, privacy) {
  const strip = el("div.strip", { role: "group", "aria-label": "Examples", onkeydown: walk });
  const node = el(
    "section.card.examples",
    { "aria-label": "Pictures to start with" },
    el("h2", {}, "Or one of these"),
    strip,
    el("p.quiet.privacy", {}, privacy),
  );
  let picked = "";

  const buttons = () => [...strip.children];

  function mark() {
    for (const button of buttons())
      button.setAttribute("aria-pressed", button.dataset.key === picked);
  }

  /** Arrow keys go from picture to picture. */
  function walk(event) {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    const columns = all.filter(({ offsetTop }) => offsetTop === all[0].offsetTop).length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (at < 0 || !by) return;
    event.preventDefault();
    all[at + by]?.focus();
  }

  function draw(examples) {
    fill(
      strip,
      examples.map((example) =>
        el(
          "button",
          {
            "data-key": example.key,
            title: example.caption,
            "aria-label": example.caption,
            onclick: () => pick(example),
          },
          el("img.pixels", { src: example.thumbnail, alt: "", draggable: "false" }),
        ),
      ),
    );
    mark();
  }

  async function poll() {
    const { ready } = await imagesReady().catch(() => ({ ready: false }));
    if (ready) load().catch(() => setTimeout(poll, POLL_MS));
    else setTimeout(poll, POLL_MS);
  }

  /** @returns {Promise<Example>} the one that the page opens on */
  async function load() {
    const { examples, opening, ready } = await request();
    draw(examples);
    if (!ready) setTimeout(poll, POLL_MS);
    return examples.find(({ key }) => key === opening);
  }

  return {
    node,
    load,
    /** @param {string} key of the example that is shown, '' for none */
    mark(key) {
      picked = key;
      mark();
    },
  };
}
