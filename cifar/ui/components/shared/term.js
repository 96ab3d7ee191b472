/** A word that explains itself in a small window, when it is clicked. */

import { el, setStyle } from "./dom.js";

/** Room between the word and its explanation, and around the window, in pixels. */
const GAP = 6;

let terms = 0;

/**
 * @param {string} word
 * @param {string} meaning in plain words
 */
export function term(word, meaning) {
  const id = `term-${++terms}`;
  const button = el("button.link", { popovertarget: id }, word);
  const note = el("span.term-note", { id, popover: "auto", role: "note" }, meaning);
  note.addEventListener("toggle", () => {
    const { left, bottom } = button.getBoundingClientRect();
    const most = Math.max(GAP, innerWidth - note.offsetWidth - GAP);
    const lowest = Math.max(GAP, innerHeight - note.offsetHeight - GAP);
    setStyle(note, {
      left: `${Math.min(most, Math.max(GAP, left))}px`,
      top: `${Math.min(lowest, bottom + GAP)}px`,
    });
  });
  return el("span", {}, button, note);
}
