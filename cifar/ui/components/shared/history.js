/**
 * Keep what a page shows in its address, so that a reload, Back and Forward bring it back.
 *
 * A visitor's step to another tab, model, cell or image becomes an entry of the browser's history;
 * every other change only changes the entry.
 */

/** Parameters whose change is a step. */
const STEPS = ["tab", "model", "true", "pred", "compare", "id"];

/** What a visitor does to change what is shown. */
const ACTS = ["pointerdown", "keydown", "change"];

/** @param {string} address */
function stepOf(address) {
  const { searchParams, hash } = new URL(address, location.href);
  return JSON.stringify([hash, ...STEPS.map((name) => searchParams.get(name))]);
}

/**
 * @param {object} page
 * @param {() => string} page.compose the address of what is shown now, as a path
 * @param {() => void} page.follow show what the address says, after Back or Forward
 */
export function createHistory({ compose, follow }) {
  /** Whether the visitor did anything since the address was written. */
  let acted = false;
  /** Whether the page still turns to an address of the history, which must not be overwritten. */
  let following = false;

  for (const type of ACTS)
    addEventListener(
      type,
      () => {
        acted = true;
        following = false;
      },
      { capture: true },
    );
  addEventListener("popstate", () => {
    acted = false;
    following = true;
    follow();
  });

  return {
    /** Write the address of what is shown now. */
    write() {
      const now = location.pathname + location.search + location.hash;
      const next = compose();
      if (next === now) following = false;
      if (next === now || following) return;
      const push = acted && stepOf(next) !== stepOf(now);
      acted = false;
      history[push ? "pushState" : "replaceState"](history.state, "", next);
    },
  };
}
