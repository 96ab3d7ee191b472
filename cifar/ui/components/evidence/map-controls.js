/** How the heat maps are drawn: their strength, smooth or as cells, and the contrast of two. */

import { choice, el, setAria, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";

const START_STRENGTH = 0.6;
const LOOKS = [
  { value: "smooth", text: t("smooth") },
  { value: "cells", text: t("cells") },
];

/**
 * @param {object} actions
 * @param {() => void} actions.draw called when the strength has changed
 * @param {() => void} actions.resample called when the look has changed
 * @param {() => void} actions.present called when the contrast was turned on or off
 */
export function createMapControls({ draw, resample, present }) {
  let smooth = true;
  let contrasted = false;
  let names = [];
  const range = { type: "range", min: 0, max: 1, step: 0.05, value: START_STRENGTH };
  const slider = el("input", { ...range, oninput: draw });
  const looks = choice(t("How the map is drawn"), LOOKS, (value) => {
    smooth = value === "smooth";
    looks.set(value);
    resample();
  });
  looks.set("smooth");
  const rather = el("button.small.rather", {
    title: t("one map of the difference: where the picture speaks more for one than for the other"),
    onclick() {
      contrasted = !contrasted;
      present();
    },
  });
  setClasses([]);

  /** Offer the contrast of two classes. @param {string[]} next names of the classes of all maps */
  function setClasses(next) {
    names = next;
    const two = names.length === 2;
    rather.disabled = !two;
    setAria(rather, "pressed", two && contrasted);
    setText(
      rather,
      two
        ? t("show what speaks for {one} rather than {other}", { one: names[0], other: names[1] })
        : t("show what speaks for one rather than the other"),
    );
  }

  const strength = el("label.field", {}, el("span", {}, t("heat map strength")), slider);
  return {
    contrasting: el("div.map-controls", {}, rather),
    drawing: el("div.map-controls", {}, strength, looks.node),
    setClasses,
    get strength() {
      return +slider.value;
    },
    get smooth() {
      return smooth;
    },
    /** Whether the contrast is shown. */
    get contrasted() {
      return contrasted && names.length === 2;
    },
  };
}
