/** Keep the tab, the model and the explorer's view of a Gradio page in its address. */

import { KEYS } from "./explorer/view.js";
import { onModel, selectedModel } from "./server.js";
import { find, findAll } from "./shared/dom.js";
import { moveAmongNetworks, offerLanguages, translate } from "./shared/frame.js";
import { createHistory } from "./shared/history.js";

/** Gradio's tabs, which `ui/app.py` names; the explorer has others within. */
const TABS = "#parts [role=tab][data-tab-id]";
const FIRST_TAB = "classify";

/** @param {HTMLElement} tab */
const nameOf = (tab) => tab.dataset.tabId;
const tabs = () => findAll(document, TABS, HTMLElement);
const selectedTab = () =>
  tabs()
    .filter((tab) => tab.getAttribute("aria-selected") === "true")
    .map(nameOf)[0] ?? FIRST_TAB;
const firstModel = () => find(document, "#model input", HTMLInputElement)?.value;

/** Return the explorer's part of a query. @param {string} query */
function viewIn(query) {
  const all = [...new URLSearchParams(query)];
  return new URLSearchParams(all.filter(([key]) => KEYS.includes(key)));
}

/** The explorer's part of the address. */
let view = viewIn(location.search);
/** @type {((query: string) => void)|null} */
let showView = null;
/** @type {ReturnType<typeof createHistory>|null} */
let route = null;

/** Return the address of what is shown now, with Gradio's own settings, such as __theme. */
function compose() {
  const query = new URLSearchParams();
  const model = selectedModel();
  if (model && model !== firstModel()) query.set("model", model);
  const tab = selectedTab();
  // A view of the explorer opens its tab, and no view the first one.
  if (tab !== (view.size ? "mistakes" : FIRST_TAB)) query.set("tab", tab);
  for (const [key, value] of view) query.set(key, value);
  for (const [key, value] of new URLSearchParams(location.search))
    if (key.startsWith("__")) query.set(key, value);
  // A colon needs no escape in a query and reads better without one.
  const text = query.toString().replaceAll("%3A", ":");
  return location.pathname + (text && `?${text}`);
}

/** Show what the address says. */
function follow() {
  const query = new URLSearchParams(location.search);
  view = viewIn(location.search);
  showView?.(location.search);
  const model = query.get("model") ?? firstModel();
  findAll(document, "#model input", HTMLInputElement)
    .find(({ value, checked }) => value === model && !checked)
    ?.click();
  const tab = query.get("tab") ?? (view.size ? "mistakes" : FIRST_TAB);
  if (tab !== selectedTab()) openTab(tab);
}

/** @param {string} name */
export function openTab(name) {
  tabs()
    .find((one) => nameOf(one) === name)
    ?.click();
}

/** Begin to follow the page; a second call changes nothing. */
export function start() {
  if (route) return;
  translate(tabs());
  offerLanguages();
  moveAmongNetworks();
  route = createHistory({ compose, follow });
  const { write } = route;
  onModel(() => write());
  const parts = document.querySelector("#parts");
  if (parts)
    new MutationObserver(write).observe(parts, {
      subtree: true,
      attributes: true,
      attributeFilter: ["aria-selected"],
    });
}

/** Show a view of the explorer, as a step that Back undoes. @param {string} query "" for all mistakes */
export function go(query) {
  const params = new URLSearchParams(query || "?tab=mistakes");
  for (const [key, value] of new URLSearchParams(location.search))
    if (key.startsWith("__") || key === "model") params.set(key, value);
  history.pushState(history.state, "", `${location.pathname}?${params}`);
  follow();
}

/** Note the explorer's view. @param {string} query */
export function setView(query) {
  view = viewIn(query);
  route?.write();
}

/** Call back when Back or Forward leads to another view. @param {(query: string) => void} show */
export function onView(show) {
  showView = show;
}
