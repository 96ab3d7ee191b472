/** Pictures that are dropped on the tab, or pasted. */

import { t } from "../shared/language.js";

const TEXT_FIELDS =
  "textarea, select, [contenteditable], input:not([type=range], [type=checkbox], [type=radio], [type=file])";

/** @param {DragEvent} event */
const brings = ({ dataTransfer }, type) => [...(dataTransfer?.types ?? [])].includes(type);
/** Whether a file, or a picture of another page, is dragged. @param {DragEvent} event */
const isPicture = (event) => brings(event, "Files") || brings(event, "text/uri-list");
/** @param {DragEvent} event */
const inField = ({ target }) => target instanceof Element && target.closest(TEXT_FIELDS);

/** Return the address of the picture that is dragged. @param {DataTransfer} data */
function addressOf(data) {
  // A picture in a link: the link's address is in the list, the picture's in the HTML.
  const html = new DOMParser().parseFromString(data.getData("text/html"), "text/html");
  const listed = data.getData("text/uri-list").split(/\r?\n/);
  return html.querySelector("img")?.src ?? listed.find((line) => line && !line.startsWith("#"));
}

/**
 * Take what is dropped anywhere on the page while an element is visible. A file that misses its
 * place would otherwise replace the page.
 * @param {HTMLElement} root
 * @param {object} actions
 * @param {(file: File) => void} actions.take
 * @param {(address: string) => void} actions.takeAddress of a picture of another page
 * @param {(over: boolean) => void} actions.hover called when a picture is dragged over the page
 */
export function takeDrops(root, { take, takeAddress, hover }) {
  addEventListener("dragover", (event) => {
    if (!isPicture(event) || inField(event)) return;
    event.preventDefault();
    hover(root.checkVisibility());
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) hover(false);
  });
  addEventListener("drop", (event) => {
    hover(false);
    if (!isPicture(event) || inField(event)) return;
    event.preventDefault();
    if (!root.checkVisibility()) return;
    const [file] = event.dataTransfer.files;
    if (file) take(file);
    else takeAddress(addressOf(event.dataTransfer) ?? "");
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
    if (!file) return fail(t("There is no picture on the clipboard."));
    event.preventDefault();
    take(file);
  });
}
