/** Put what is around the tabs into the visitor's language, and let the visitor choose another. */

import { el, find, findAll, setStyle } from "./dom.js";
import { LANGUAGES, language, remember, t } from "./language.js";

/** Fill the header's place for it with a choice of the language. The page is loaded anew in it. */
export function offerLanguages() {
  document.documentElement.lang = language;
  setStyle(document.documentElement, { "--network": JSON.stringify(t("network")) });
  const place = find(document, ".language", HTMLElement);
  if (!place || place.firstChild) return;
  const select = el(
    "select",
    {
      "aria-label": t("Language"),
      onchange() {
        remember(select.value);
        const address = new URL(location.href);
        address.searchParams.delete("lang");
        if (address.href === location.href) location.reload();
        else location.replace(address);
      },
    },
    Object.entries(LANGUAGES).map(([value, name]) => el("option", { value, lang: value }, name)),
  );
  select.value = language;
  place.append(el("span", { "aria-hidden": "true" }, language.toUpperCase()), select);
}

/** Choose the next of the header's networks by arrow keys: Gradio makes a group of each. */
export function moveAmongNetworks() {
  document.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const networks = [...findAll(document, "#model input", HTMLInputElement)];
    const at = networks.findIndex((network) => network === event.target);
    if (!by || at < 0) return;
    event.preventDefault();
    const next = networks.at((at + by) % networks.length);
    next.focus();
    next.click();
  });
}

/**
 * Translate elements that were written with the page: each has one text.
 * @param {Iterable<HTMLElement>} elements
 */
export function translate(elements) {
  for (const element of elements) element.textContent = t(element.textContent.trim());
}
