/** The selections that a visitor has saved in this browser: a name and an expression each. */

const KEY = "cifar-lens:selections";

/** @typedef {Object<string, string>} Saved expressions by name */

/** Return the saved selections; none where there is no storage. @returns {Saved} */
export function readSaved() {
  /** @type {Saved} */
  const saved = {};
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    for (const [name, text] of Object.entries(stored))
      if (typeof text === "string") saved[name] = text;
  } catch {
    // No storage in a sandboxed frame, or another program's text.
  }
  return saved;
}

/** Save the selections; returns whether the browser keeps them. @param {Saved} saved */
export function writeSaved(saved) {
  try {
    localStorage.setItem(KEY, JSON.stringify(saved));
    return true;
  } catch {
    return false;
  }
}
