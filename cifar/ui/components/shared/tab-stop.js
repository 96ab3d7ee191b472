/**
 * Make one of many controls the only one that Tab reaches; arrow keys move among the others.
 * @param {HTMLElement[]} controls
 * @param {number} [start] position of the control that Tab reaches first
 */
export function createTabStop(controls, start = 0) {
  let at = start;
  controls.forEach((control, k) => (control.tabIndex = k === at ? 0 : -1));
  return {
    get at() {
      return at;
    },
    /** @param {number} next position; -1 changes nothing */
    moveTo(next) {
      // Setting a tab index makes the browser lay out the page: only where it changes.
      if (next < 0 || next === at) return;
      controls[at].tabIndex = -1;
      at = next;
      controls[at].tabIndex = 0;
    },
    focus: () => controls[at].focus(),
  };
}
