/** The head of the detail: the image, its label and prediction, and the way to the next image. */

import { el, enable, fill, setAria, setStyle, setText } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { parts, t } from "../shared/language.js";
import { probability } from "../shared/words.js";

/** Screen pixels for each of an image's: at first, and at most where it is enlarged. */
const SCALE = 5;
const LARGE = 10;

/** @param {string[]} classes @param {Pick<import('./explorer.js').Actions, 'step'|'sheets'>} actions */
export function createHead(classes, { step, sheets }) {
  const picture = el("button.pixels.picture", {
    "aria-pressed": "false",
    title: t("larger or smaller"),
    onclick: toggleSize,
  });
  const title = el("h2");
  const facts = el("div.facts");
  const verdict = el("p.verdict");
  const before = el(
    "button.small",
    { onclick: () => step(-1), title: t("previous image (k)") },
    t("‹ previous"),
  );
  const after = el(
    "button.small",
    { onclick: () => step(1), title: t("next image (j)") },
    t("next ›"),
  );
  const place = el("p.quiet.place");
  const steps = el("div.steps-nav", {}, before, after);
  const about = el("div.about", {}, title, facts, verdict, steps, place);
  const node = el("div.head", {}, picture, about);
  let large = false;
  let index = -1;

  function toggleSize() {
    large = !large;
    setAria(picture, "pressed", large);
    paint();
  }

  function paint() {
    const scale = large ? Math.min(LARGE, Math.floor(node.clientWidth / SIDE) || LARGE) : SCALE;
    setStyle(picture, { "--side": `${SIDE * scale}px` });
    sheets().paint(picture, index, scale);
  }

  return {
    node,
    paint,
    /** Show the words about an image. @param {import('./record.js').ImageRecord} record */
    show(record) {
      index = record.index;
      const { label, predicted, correct, confidence, labelProbability, verdict: reason } = record;
      fill(title, el("small", {}, t("test image"), " "), `#${index}`);
      const said = {
        predicted: el(correct ? "b.true" : "b.said", {}, classes[predicted]),
        probability: probability(confidence),
      };
      fill(
        facts,
        !correct &&
          el(
            "p",
            {},
            parts("labelled {label}, {probability}", {
              label: el("b.true", {}, classes[label]),
              probability: probability(labelProbability),
            }),
          ),
        el(
          "p",
          {},
          correct
            ? parts("recognised as {predicted}, {probability} sure", said)
            : parts("seen as {predicted}, {probability} sure", said),
        ),
      );
      fill(
        verdict,
        reason && el("span.badge", {}, el("i.dot", { "data-verdict": reason.at }), reason.title),
      );
      const name = { index: String(index), label: classes[label] };
      picture.setAttribute("aria-label", t("test image {index}, {label}: show it larger", name));
    },
    /** Show the position of the image in a selection of this size; -1 if it is not among it. */
    setPlace(at, size) {
      setText(
        place,
        at >= 0
          ? t("{at} of {size} in this selection", { at: at + 1, size })
          : t("not among the images of this selection"),
      );
      place.classList.toggle("outside", at < 0);
      enable(before, size > 0 && at !== 0);
      enable(after, size > 0 && at !== size - 1);
    },
  };
}
