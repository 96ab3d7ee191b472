/**
 * Make, find and change elements. Text goes in as text nodes, never as HTML, so that no class name,
 * title or message can become markup.
 */

/**
 * The element that a tag names.
 * @template {string} N
 * @typedef {N extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[N] : HTMLElement} Named
 */

/**
 * The element that `el` makes of a tag with or without classes.
 * @template {string} T
 * @typedef {T extends `${infer N}.${string}` ? Named<N> : Named<T>} ElementOf
 */

/** @typedef {string|number|boolean|null|undefined} Attribute */
/** @typedef {(event: Event) => unknown} Listener */

/** @typedef {HTMLElementEventMap} Events */

/**
 * Attributes, listeners and styles of an element.
 * @typedef {{[K in keyof Events as `on${K}`]?: (event: Events[K]) => unknown}
 *   & {style?: Object<string, string|number>}
 *   & {[name: string]: Attribute|Listener|Object<string, string|number>}} Props
 */

/** @typedef {Node|string|number|false|null|undefined} Leaf */

/**
 * What an element may hold; null, undefined and false stand for nothing.
 * @typedef {Leaf|(Leaf|Leaf[])[]} Child
 */

/**
 * Make an element.
 * @template {string} T
 * @param {T} tag e.g. 'button' or 'button.chip.on'
 * @param {Props} [props] attributes; functions become listeners (`onclick`, which a button calls
 *   only while it is enabled, see `enable`), `style` takes an object of properties, and false, null
 *   and undefined are left out
 * @param {...Child} children
 * @returns {ElementOf<T>}
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  if (node instanceof HTMLButtonElement) node.type = "button";
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") listen(node, key.slice(2), value);
    else if (typeof value === "object") setStyle(node, value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, children);
  return /** @type {ElementOf<T>} */ (node);
}

/** @param {HTMLElement} node @param {string} type of event @param {Listener} act */
function listen(node, type, act) {
  /** @param {Event} event */
  const unlessDisabled = (event) => {
    if (node.getAttribute("aria-disabled") !== "true") act(event);
  };
  node.addEventListener(type, type === "click" ? unlessDisabled : act);
}

/**
 * Say whether a button does anything now. Unlike a `disabled` one it keeps the focus.
 * @param {Element} button
 * @param {unknown} yes
 */
export const enable = (button, yes) => setAria(button, "disabled", !yes);

/**
 * Set a state for screen readers to true or false.
 * @param {Element} node
 * @param {'pressed'|'selected'|'disabled'|'busy'} state
 * @param {boolean} on
 */
export const setAria = (node, state, on) => node.setAttribute(`aria-${state}`, String(on));

/**
 * Make a drawing, as `el` makes an element; attributes only.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag e.g. 'path'
 * @param {Object<string, string|number>} props
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function drawing(tag, props = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, String(value));
  append(node, children);
  return node;
}

/** @param {Element} node @param {Child[]} children */
function append(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(node, child);
    else if (typeof child === "number") node.append(String(child));
    else if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

/** Write a share of one for a style. @param {number} share */
export const portion = (share) => `${(100 * share).toFixed(2)}%`;

/**
 * Find the elements of one kind that match a selector, in the order of the page.
 * @template {Element} E
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} kind e.g. HTMLInputElement
 */
export function findAll(root, selector, kind) {
  /** @type {(node: Element) => node is E} */
  const isKind = (node) => node instanceof kind;
  return [...root.querySelectorAll(selector)].filter(isKind);
}

/**
 * Find the first of `findAll`; undefined if there is none.
 * @template {Element} E
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} kind
 * @returns {E|undefined}
 */
export const find = (root, selector, kind) => findAll(root, selector, kind)[0];

/**
 * Find the element of one kind that an event happened in; null if it happened in none.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {Event} event
 * @param {T} tag
 */
export const within = ({ target }, tag) => (target instanceof Element ? target.closest(tag) : null);

const CONTROLS = "button, a[href], input, select, summary";

/**
 * Replace all children. If a control among them had the focus, the control that takes its place
 * gets it, so that keyboard users need not start anew.
 * @param {Element} node
 * @param {...Child} children
 */
export function fill(node, ...children) {
  const controls = () => findAll(node, CONTROLS, HTMLElement);
  const held = controls().findIndex((control) => control === document.activeElement);
  node.replaceChildren();
  append(node, children);
  if (held < 0) return;
  const now = controls();
  now[Math.min(held, now.length - 1)]?.focus({ preventScroll: true });
}

/**
 * Change a text only where it differs: an untouched node costs no layout.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Write a number into a field, unless the visitor is typing it.
 * @param {HTMLInputElement} input
 * @param {number} value
 */
export function setNumber(input, value) {
  if (document.activeElement !== input || +input.value !== value) input.value = String(value);
}

/** @param {ElementCSSInlineStyle} node @param {Object<string, string|number>} properties */
export function setStyle(node, properties) {
  for (const [key, value] of Object.entries(properties)) node.style.setProperty(key, String(value));
}

/** Make text for screen readers alone. @param {string} text */
export const unseen = (text) => el("span.unseen", {}, text);

/**
 * One of several things to choose from.
 * @template {string} V
 * @typedef {{value: V, text: string}} Option
 */

/**
 * Make a select with its label above it.
 * @template {string} V
 * @param {string} label
 * @param {Option<V>[]} options
 * @param {(value: V) => void} change
 */
export function menu(label, options, change) {
  const select = el("select");
  select.addEventListener("change", () => change(/** @type {V} */ (select.value)));
  fill(
    select,
    options.map(({ value, text }) => el("option", { value }, text)),
  );
  return { node: el("label.field", {}, el("span", {}, label), select), select };
}

/**
 * Make a row of buttons of which one is on.
 * @template {string} V
 * @param {string} label
 * @param {Option<V>[]} choices
 * @param {(value: V) => void} change
 */
export function choice(label, choices, change) {
  const buttons = choices.map(({ value, text }) =>
    el("button", { "data-value": value, onclick: () => change(value) }, text),
  );
  const node = el("div.choice", { role: "group", "aria-label": label }, buttons);
  /** Switch one on; "" switches all off. @param {V|""} value */
  const set = (value) => {
    for (const button of buttons) setAria(button, "pressed", button.dataset.value === value);
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
 * Put a text on the clipboard, which a frame may lack the permission for.
 * @param {string} text
 * @returns {Promise<boolean>} whether that worked
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
