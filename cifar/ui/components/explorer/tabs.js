/** Tabs, of which one shows its panel. */

import { el, setAria } from "../shared/dom.js";

/**
 * @template {string} Name
 * @param {string} label
 * @param {Array<{name: Name, title: string, content: Node}>} panels
 * @param {(name: Name) => void} change
 */
export function createTabs(label, panels, change) {
  const tabs = panels.map(({ name, title }) =>
    el("button", { role: "tab", onclick: () => change(name) }, title),
  );
  const bodies = panels.map(({ title, content }) =>
    el("div.panel", { role: "tabpanel", "aria-label": title }, content),
  );
  let open = null;

  function walk(event) {
    const at = panels.findIndex(({ name }) => name === open);
    const last = panels.length - 1;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const k = (next + panels.length) % panels.length;
    change(panels[k].name);
    tabs[k].focus();
  }

  return {
    nodes: [
      el("div.tabs", { role: "tablist", "aria-label": label, onkeydown: walk }, tabs),
      bodies,
    ],
    /** @param {Name} name */
    show(name) {
      // Setting a tab index makes the browser lay out the page: only where it changes.
      if (name === open) return;
      open = name;
      panels.forEach((panel, k) => {
        const selected = panel.name === name;
        setAria(tabs[k], "selected", selected);
        tabs[k].tabIndex = selected ? 0 : -1;
        bodies[k].hidden = !selected;
      });
    },
  };
}
