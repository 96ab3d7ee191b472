/**
 * Making and changing elements. Text goes in as text nodes, never as HTML, so that no class name,
 * title or message can become markup.
 */

/**
 * The class of the elements that a tag names, such as HTMLButtonElement for 'button.chip.on'.
 * @template {string} Tag
 * @typedef {Tag extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Tag]
 *   : Tag extends `${infer Name}.${string}` ? ElementOf<Name> : HTMLElement} ElementOf
 */

/**
 * @template {string} Tag
 * @param {Tag} tag e.g. 'button' or 'button.chip.on'
 * @param {Object<string, any>} [props] attributes; functions become listeners (`onclick`, which a
 *   button calls only while it is enabled, see `enable`), `style` takes an object of properties, and
 *   false, null and undefined are left out
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {ElementOf<Tag>}
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  if (node instanceof HTMLButtonElement) node.type = "button";
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function")
      node.addEventListener(key.slice(2), key === "onclick" ? enabled(node, value) : value);
    else if (key === "style") setStyle(node, value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, children);
  return /** @type {ElementOf<Tag>} */ (node);
}

/** Whether a button does anything now. Unlike a `disabled` one it keeps the focus. */
export function enable(button, yes) {
  button.setAttribute("aria-disabled", !yes);
}

const enabled = (node, act) => (event) => {
  if (node.getAttribute("aria-disabled") !== "true") act(event);
};

/**
 * As `el`, for drawings; attributes only.
 * @param {string} tag e.g. 'path'
 * @param {Object<string, string|number>} props
 * @param {...(Node|string|null|false|Array)} children
 * @returns {SVGElement}
 */
export function drawing(tag, props = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, String(value));
  append(node, children);
  return node;
}

/** @param {Element} node @param {any[]} children */
function append(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(node, child);
    else if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

const CONTROLS = "button, a[href], input, select, summary";

/**
 * Put these children in the place of all others. Where one of those had the focus, the control that
 * takes its place has it, so that whoever goes by keyboard need not start anew.
 */
export function fill(node, ...children) {
  const controls = () => [...node.querySelectorAll(CONTROLS)];
  const held = node.contains(document.activeElement)
    ? controls().indexOf(document.activeElement)
    : -1;
  node.replaceChildren();
  append(node, children);
  if (held < 0) return;
  const now = controls();
  now[Math.min(held, now.length - 1)]?.focus({ preventScroll: true });
}

/** Change a text only where it differs: an untouched node costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Write a number into a field, unless the visitor is typing it. */
export function setNumber(input, value) {
  if (document.activeElement !== input || +input.value !== value) input.value = String(value);
}

/** @param {HTMLElement} node @param {Object<string, string|number>} properties */
export function setStyle(node, properties) {
  for (const [key, value] of Object.entries(properties)) node.style.setProperty(key, String(value));
}

/** Return the button that an event happened in, or null. @param {Event} event */
export const buttonOf = ({ target }) => /** @type {Element} */ (target).closest("button");

/** Text for screen readers alone. */
export const unseen = (text) => el("span.unseen", {}, text);

/**
 * A select with its label above it.
 * @param {string} label
 * @param {Array<{value: string, text: string}>} options
 * @param {(value: string) => void} change
 */
export function menu(label, options, change) {
  const select = el("select", { onchange: () => change(select.value) });
  fill(
    select,
    options.map(({ value, text }) => el("option", { value }, text)),
  );
  return { node: el("label.field", {}, el("span", {}, label), select), select };
}

/**
 * A row of buttons of which one is on.
 * @param {string} label
 * @param {Array<{value: string, text: string}>} choices
 * @param {(value: string) => void} change
 */
export function choice(label, choices, change) {
  const buttons = choices.map(({ value, text }) =>
    el("button", { "data-value": value, onclick: () => change(value) }, text),
  );
  const node = el("div.choice", { role: "group", "aria-label": label }, buttons);
  const set = (value) => {
    for (const button of buttons)
      button.setAttribute("aria-pressed", button.dataset.value === value);
  };
  return { node, set };
}

/** Offer a file for download. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  // The browser reads the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Put a text on the clipboard; whether that worked. It does not in a frame without permission.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
