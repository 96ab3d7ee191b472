/** Offer pictures to start with, each with what it shows about the network. */

import { el, fill, findAll, setAria } from "../shared/dom.js";
import { heard, t } from "../shared/language.js";
import { createTabStop } from "../shared/tab-stop.js";
import { viewsOf } from "./pixels.js";

/**
 * A picture and what to say of it (see `Story` in `explore/stories.py`).
 * @typedef {object} Example
 * @property {string} story in three words
 * @property {string} what is seen, where that is not the label
 * @property {string} note
 * @property {number|null} index of a test image
 * @property {number|null} label
 * @property {string} pixels as of `viewsOf`
 * @property {import('./classify.js').Seen['kind']} kind
 * @property {number[]|null} votes of people
 */

/**
 * @param {(model: string) => Promise<Example[]>} request
 * @param {(example: Example) => void} pick
 */
export function createExamples(request, pick) {
  const strip = el("div.strip", { role: "group", "aria-label": t("Examples"), onkeydown: walk });
  const node = el("section.examples", { "aria-label": t("Pictures to start with") }, strip);
  /** @type {Example[]} */
  let all = [];
  let picked = "";
  /** @type {ReturnType<typeof createTabStop>|null} */
  let stop = null;

  const buttons = () => findAll(strip, "button", HTMLButtonElement);

  function mark() {
    buttons().forEach((button, k) => {
      setAria(button, "pressed", all[k].story === picked);
      if (all[k].story === picked) stop.moveTo(k);
    });
  }

  /** Go from picture to picture by arrow keys. @param {KeyboardEvent} event */
  function walk(event) {
    const controls = buttons();
    const at = controls.findIndex((button) => button === document.activeElement);
    const columns = controls.filter(({ offsetTop }) => offsetTop === controls[0].offsetTop).length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (at < 0 || !by) return;
    event.preventDefault();
    if (!controls[at + by]) return;
    stop.moveTo(at + by);
    stop.focus();
  }

  function draw() {
    const nodes = all.map((example) =>
      el(
        "button",
        { onclick: () => pick(example) },
        el("img.pixels", {
          src: viewsOf(example.pixels)[0].toDataURL(),
          alt: "",
          draggable: "false",
        }),
        el("span", {}, heard(example.story)),
      ),
    );
    fill(strip, nodes);
    stop = createTabStop(nodes);
    mark();
  }

  return {
    node,
    /**
     * Fetch and draw those of a model.
     * @param {string} model
     * @returns {Promise<(story?: string) => Example>} a function that returns one, or else the first
     */
    async load(model) {
      all = await request(model);
      draw();
      return (story) => all.find((one) => one.story === story) ?? all[0];
    },
    /** @param {string} story that is shown, "" for none */
    mark(story) {
      picked = story;
      mark();
    },
  };
}
