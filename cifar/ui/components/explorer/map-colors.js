/** The colors of the points on the map, and their legend. */

import { el } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { ANY } from "./view.js";

/**
 * Ten colors a theme that stay distinct under the common kinds of color blindness and have a
 * contrast of 3:1 or more to the background. Chosen by search over OKLab distances, such that
 * neighbors on the map differ most.
 */
const PALETTE = {
  light: "#460d9f #b34808 #5f9e7c #f66209 #792e0c #258ffe #710053 #a9246b #8175b4 #504fd3",
  dark: "#506aee #c7c610 #20bea2 #bd8d0d #bd4950 #98d3ff #95f8be #fcf927 #a695fd #3285a2",
};

/** @typedef {Partial<import('./view.js').View>} Patch */
/** @typedef {{name: string, color: string, patch: Patch}} ColorKey a color and the filter for it */

/** @returns {ColorKey[]} */
export function classKeys(classes, dark) {
  const palette = PALETTE[dark ? "dark" : "light"].split(" ");
  return classes.map((name, k) => ({ name, color: palette[k], patch: { true: k } }));
}

/** @param {CSSStyleDeclaration} style @returns {ColorKey[]} right first, then wrong */
export const outcomeKeys = (style) => [
  { name: t("right"), color: style.getPropertyValue("--teal"), patch: { outcome: "right" } },
  { name: t("wrong"), color: style.getPropertyValue("--accent"), patch: { outcome: "wrong" } },
];

/**
 * Make an entry of the legend: a button that turns the filter for its color on or off.
 * @param {ColorKey} key
 * @param {import('./view.js').View} view
 * @param {(patch: Patch) => void} change
 */
export function legendEntry({ name, color, patch }, view, change) {
  const pressed = Object.entries(patch).every(([filter, value]) => view[filter] === value);
  /** @type {Patch} */
  const off = "true" in patch ? { true: ANY } : { outcome: "all" };
  const props = { "aria-pressed": String(pressed), onclick: () => change(pressed ? off : patch) };
  return el("li", {}, el("button", props, el("i", { style: { background: color } }), name));
}
