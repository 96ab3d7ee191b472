/** Pictures that are dropped on the tab, or pasted. */

const TEXT_FIELDS =
  "textarea, select, [contenteditable], input:not([type=range], [type=checkbox], [type=radio], [type=file])";

const hasFiles = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].includes("Files");

/**
 * Take files that are dropped anywhere on an element: a file that misses the card would otherwise
 * replace the page.
 * @param {HTMLElement} root
 * @param {object} actions
 * @param {(file: File) => void} actions.take
 * @param {(over: boolean) => void} actions.hover called when a file is dragged over the element
 */
export function takeDrops(root, { take, hover }) {
  root.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    hover(true);
  });
  root.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!root.contains(/** @type {Node} */ (relatedTarget))) hover(false);
  });
  root.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    hover(false);
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}

/**
 * Take files that are pasted anywhere but in a text field, while an element is visible.
 * @param {HTMLElement} root
 * @param {object} actions
 * @param {(file: File) => void} actions.take
 * @param {(message: string) => void} actions.fail
 */
export function takePastes(root, { take, fail }) {
  document.addEventListener("paste", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (!root.checkVisibility() || target.closest?.(TEXT_FIELDS)) return;
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return fail("There is no picture on the clipboard.");
    event.preventDefault();
    take(file);
  });
}
