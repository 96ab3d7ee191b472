/** The selections that a visitor has saved: a name and an expression each, kept in this browser. */

const KEY = "cifar-lens:selections";

/** Whether a change of the browser's storage, null for all of it, can be one of selections. */
export const holdsSelections = (/** @type {string|null} */ key) => key === KEY || key === null;

/** @typedef {ReturnType<typeof createSaved>} Saved */

export function createSaved() {
  /** Expressions by name. @type {Object<string, string>} */
  let selections = read() ?? {};
  /** Another tab of the browser may have written. */
  const refresh = () => {
    selections = read() ?? selections;
  };

  /** @param {Object<string, string>} changed @returns {boolean} whether the browser keeps them */
  function write(changed) {
    selections = changed;
    try {
      localStorage.setItem(KEY, JSON.stringify(selections));
      return true;
    } catch {
      return false; // a page in a sandboxed frame has no storage: they last as long as the page
    }
  }

  return {
    refresh,
    all: () => selections,
    /** Save an expression; return whether the browser keeps it. @param {string} name @param {string} text */
    save(name, text) {
      refresh();
      return write({ ...selections, [name]: text });
    },
    /** @param {string} name */
    forget(name) {
      refresh();
      write(Object.fromEntries(Object.entries(selections).filter(([one]) => one !== name)));
    },
  };
}

/** Read the saved selections; null where there is no storage. @returns {Object<string, string>|null} */
function read() {
  let text;
  try {
    text = localStorage.getItem(KEY);
  } catch {
    return null;
  }
  try {
    const stored = Object.entries(JSON.parse(text ?? "{}"));
    return Object.fromEntries(stored.filter(([, value]) => typeof value === "string"));
  } catch {
    return {}; // another program's text
  }
}
