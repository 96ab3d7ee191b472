/** Choose what evidence is asked for: the method, the layers, and the one or two classes. */

import { el, fill, findAll, menu, setAria, setText } from "../shared/dom.js";
import { heard, parts, t } from "../shared/language.js";
import { term } from "../shared/term.js";

const SAID = "said";
const OTHER = "other";
const NONE = "none";

/**
 * What the panel can offer to choose from, as the server says it (see `ui/evidence.py`).
 * @typedef {object} Options
 * @property {string[]} classes
 * @property {Array<{name: string, title: string, about: string, source: string, slow: boolean}>} methods
 * @property {Object<string, Array<{name: string, title: string, size: number}>>} layers by model,
 *   from the image to the answer
 * @property {Object<string, string[]>} usable methods by model
 * @property {Object<string, Choice>} defaults by model
 * @property {{sequential: string[], diverging: string[]}} colours '#rrggbb', the latter of odd number
 */

/** @typedef {{method: string, layers: string[]}} Choice layers in the network's order */

/**
 * @typedef {object} Facts what a network says of a picture, as classes
 * @property {number} predicted
 * @property {number} runner_up
 * @property {number|null} label
 */

/**
 * @param {string[]} classes
 * @param {Options} options
 * @param {() => void} change
 */
export function createChoices(classes, options, change) {
  const names = classes.map((text, k) => ({ value: String(k), text }));
  const changed = () => {
    drawMethod();
    change();
  };
  const said = { value: SAID, text: t("what it said") };
  const other = { value: OTHER, text: t("label or runner-up") };
  const nothing = { value: NONE, text: t("nothing") };
  const first = menu(t("evidence for"), [said, ...names], change);
  const second = menu(t("beside"), [other, nothing, ...names], change);
  const method = menu(
    t("method"),
    options.methods.map(({ name, title, slow }) => ({
      value: name,
      text: slow ? t("{method} (slow)", { method: heard(title) }) : heard(title),
    })),
    (value) => {
      chosen = value;
      changed();
    },
  );
  const about = el("p.quiet.about-method");
  const chips = el("div.chips", { role: "group", "aria-label": t("Layers") });
  const several = el("input", { type: "checkbox", onchange: keepOne });
  const fuse = el(
    "label.fuse",
    { title: t("or hold shift or control while you choose a layer") },
    several,
    t("fuse several"),
  );
  const where = el("div.where", {}, el("span.quiet", {}, t("layer")), chips, fuse);
  const summary = el("summary");

  let model = "";
  /** The method, if the visitor chose one. @type {string|null} */
  let chosen = null;
  /**
   * Layers by model, where the visitor chose them; in the order in which they were chosen.
   * @type {Map<string, string[]>}
   */
  const layers = new Map();
  /** Methods whose answers named no layer. @type {Set<string>} */
  const layerless = new Set();

  const hasLayers = () => options.layers[model].length > 0;
  // A network of which less is known has fewer methods.
  const isUsable = (/** @type {string} */ name) => options.usable[model].includes(name);
  const methodNow = () => (chosen && isUsable(chosen) ? chosen : options.defaults[model].method);
  const picked = () => layers.get(model) ?? options.defaults[model].layers;

  function drawMethod() {
    const {
      title,
      about: words,
      source,
    } = options.methods.find(({ name }) => name === methodNow());
    method.select.value = methodNow();
    const none = layerless.has(methodNow());
    const named = options.layers[model]
      .filter(({ name }) => picked().includes(name))
      .map(layerInWords);
    const by = heard(title);
    const made = none ? by : t("{method}, {layers}", { method: by, layers: named.join(" + ") });
    fill(summary, t("How this map was made"), " ", el("span.quiet", {}, made));
    const sentence = `${words[0].toUpperCase()}${words.slice(1)}.`;
    const paper = t("{method}, the paper", { method: by });
    fill(
      about,
      `${heard(sentence)} `,
      /^https:/.test(source) &&
        el("a.link", { href: source, target: "_blank", rel: "noopener" }, paper),
    );
    for (const chip of findAll(chips, "button", HTMLButtonElement)) {
      setAria(chip, "pressed", !none && picked().includes(chip.dataset.layer));
      chip.disabled = none;
    }
    several.disabled = none;
    for (const option of method.select.options) option.disabled = !isUsable(option.value);
    where.hidden = !hasLayers();
  }

  function drawLayers() {
    fill(
      chips,
      options.layers[model].map(({ name, title, size }) =>
        el(
          "button.chip",
          { "data-layer": name, onclick: (event) => pick(name, event) },
          labelOf(title),
          el("span.quiet", {}, `${size}x${size}`),
        ),
      ),
    );
    fuse.hidden = options.layers[model].length < 2;
  }

  /**
   * Choose one layer, or one more or less where several are wanted.
   * @param {string} name
   * @param {{shiftKey: boolean, ctrlKey: boolean, metaKey: boolean}} keys held
   */
  function pick(name, { shiftKey, ctrlKey, metaKey }) {
    const now = picked();
    let next = [name];
    if (several.checked || shiftKey || ctrlKey || metaKey) {
      next = now.includes(name) ? now.filter((one) => one !== name) : [...now, name];
      if (next.length > 1) several.checked = true;
    }
    if (!next.length || (next.length === now.length && next.every((one) => now.includes(one))))
      return;
    layers.set(model, next);
    changed();
  }

  /** Keep the last chosen of several layers. */
  function keepOne() {
    if (several.checked || picked().length < 2) return;
    layers.set(model, picked().slice(-1));
    changed();
  }

  return {
    classes: el("div.classes", {}, first.node, second.node),
    method: el("div.method", {}, method.node, about, where, explained()),
    summary,

    /** @param {string} name */
    setModel(name) {
      if (name === model) return;
      model = name;
      drawLayers();
      several.checked = picked().length > 1;
      drawMethod();
    },

    /** Return the method and layers that are asked for. @returns {Choice} */
    wanted() {
      const names = options.layers[model].map(({ name }) => name);
      return { method: methodNow(), layers: names.filter((name) => picked().includes(name)) };
    },

    /** Return those that answer at once, for the same model. */
    usual: () => options.defaults[model],

    get slow() {
      return options.methods.find(({ name }) => name === methodNow()).slow;
    },

    /** Whether the classes are named after what the network says, which must be known first. */
    get relative() {
      const [a, b] = [first.select.value, second.select.value];
      return (a === SAID) !== (b === OTHER);
    },

    /**
     * The classes that are asked for; [] leaves both to the server, which takes the same.
     * @param {Facts} [facts] needed if `relative`
     * @returns {number[]}
     */
    wantedClasses(facts) {
      const [a, b] = [first.select.value, second.select.value];
      if (a === SAID && b === OTHER) return [];
      const one = a === SAID ? facts.predicted : +a;
      if (b === NONE) return [one];
      const other = b === OTHER ? beside(facts, one) : +b;
      return other === one ? [one] : [one, other];
    },

    /**
     * Say what the words stand for here.
     * @param {Facts & {method: string, layers: string[]}} answer
     */
    show(answer) {
      const { predicted, label } = answer;
      const a = first.select.value;
      const b = beside(answer, a === SAID ? predicted : +a);
      const name = classes[b];
      let role = t("{name}, runner-up", { name });
      if (b === label) role = t("{name}, label", { name });
      else if (b === predicted) role = t("{name}, what it said", { name });
      setText(first.select.options[0], t("{name}, what it said", { name: classes[predicted] }));
      setText(second.select.options[0], role);
      if (!answer.layers.length && !layerless.has(answer.method)) {
        layerless.add(answer.method);
        drawMethod();
      }
    },
  };
}

/** Explain the words of the choices. */
const explained = () =>
  el(
    "p.quiet.terms",
    {},
    parts("What is a {method}, a {layer}, a {logit}?", {
      method: term(
        t("method"),
        t(
          "A rule that turns what a layer computed into a map: which places spoke for a class, and " +
            "how much. Rules differ, and so do their maps.",
        ),
      ),
      layer: term(
        t("layer"),
        t(
          "A network computes step by step. An early layer knows small things, such as edges, and " +
            "where they are; a late one knows whole objects, and their places only roughly.",
        ),
      ),
      logit: term(
        t("logit"),
        t(
          "The score that a network gives to a class before scores become probabilities. One logit " +
            "more makes a class nearly three times as likely beside another.",
        ),
      ),
    }),
  );

/** Return the label in a layer's title: 'stage 1' of 'stage 1, 16x16 map'. @param {string} title */
const labelOf = (title) => heard(title.split(",")[0]);

/** @param {{title: string, size: number}} layer */
const layerInWords = ({ title, size }) =>
  t("{layer}, {size}x{size} map", { layer: labelOf(title), size });

/**
 * Return the class worth seeing beside another: the label, the answer, or the runner-up.
 * @param {Facts} facts
 * @param {number} one
 */
function beside({ label, predicted, runner_up: runnerUp }, one) {
  return [label, predicted, runnerUp].find((k) => k !== null && k !== one);
}
