/** Offer pictures to start with: test images, one of each class. */

import { el, fill, findAll, setAria } from "../shared/dom.js";
import { viewsOf } from "./pixels.js";

/** The class of the example that the page opens on. */
const OPENING = "cat";

/**
 * @typedef {object} Example
 * @property {number} index of the test image
 * @property {number} label
 * @property {string} pixels as of `viewsOf`
 */

/**
 * @param {string[]} classes
 * @param {() => Promise<Example[]>} request
 * @param {(example: Example, caption: string) => void} pick
 * @param {string} privacy what becomes of a visitor's picture
 */
export function createExamples(classes, request, pick, privacy) {
  const strip = el("div.strip", { role: "group", "aria-label": "Examples", onkeydown: walk });
  const node = el(
    "section.card.examples",
    { "aria-label": "Pictures to start with" },
    el("h2", {}, "Or one of these"),
    strip,
    el("p.quiet.privacy", {}, privacy),
  );
  let picked = -1;

  /** @param {Example} example */
  const captionOf = ({ index, label }) => `test image #${index}, ${classes[label]}`;
  const buttons = () => findAll(strip, "button", HTMLButtonElement);

  function mark() {
    for (const button of buttons()) setAria(button, "pressed", +button.dataset.index === picked);
  }

  /** Go from picture to picture by arrow keys. @param {KeyboardEvent} event */
  function walk(event) {
    const all = buttons();
    const at = all.findIndex((button) => button === document.activeElement);
    const columns = all.filter(({ offsetTop }) => offsetTop === all[0].offsetTop).length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (at < 0 || !by) return;
    event.preventDefault();
    all[at + by]?.focus();
  }

  /** @param {Example[]} examples */
  function draw(examples) {
    fill(
      strip,
      examples.map((example) =>
        el(
          "button",
          {
            "data-index": example.index,
            title: captionOf(example),
            "aria-label": captionOf(example),
            onclick: () => pick(example, captionOf(example)),
          },
          el("img.pixels", {
            src: viewsOf(example.pixels)[0].toDataURL(),
            alt: "",
            draggable: "false",
          }),
        ),
      ),
    );
    mark();
  }

  return {
    node,
    /**
     * Fetch and draw them.
     * @returns {Promise<(index?: number|null) => void>} a function that picks one, or else the one
     *   that the page opens on
     */
    async load() {
      const examples = await request();
      draw(examples);
      const opening = examples.find(({ label }) => classes[label] === OPENING);
      return (index) => {
        const example = examples.find((one) => one.index === index) ?? opening;
        pick(example, captionOf(example));
      };
    },
    /** @param {number} index of the example that is shown, -1 for none */
    mark(index) {
      picked = index;
      mark();
    },
  };
}
