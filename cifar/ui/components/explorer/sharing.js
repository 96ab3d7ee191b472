/** What a visitor can take away from an image: a link to it, and a card with all about it. */

import { copy, download, el, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { percent, probability } from "../shared/words.js";
import { sidesOf } from "./bars.js";
import { drawCard } from "./card.js";
import { recordOf } from "./record.js";
import { inWords } from "./tags.js";

/** @import { Actions, State } from "./explorer.js" */

const COPY = t("copy link");
/** How long the button says that the link was copied. */
const NOTICE_MS = 2500;

/**
 * @param {Pick<Actions, 'link'|'back'|'sheets'|'tags'>} actions without a link there is no button
 * @param {() => Array<{canvas: HTMLCanvasElement, words: string}>} heatMaps that are drawn now
 */
export function createSharing({ link, back, sheets, tags }, heatMaps) {
  const status = el("p.quiet", { role: "status" });
  const address = el("input.address", {
    readonly: true,
    hidden: true,
    "aria-label": t("link to this image"),
  });
  const copyButton = el("button.small", { onclick: copyLink }, COPY);
  const buttons = el(
    "div.keep",
    {},
    link && copyButton,
    el("button.small", { onclick: saveCard }, t("save card")),
    el("button.small.back", { onclick: back }, t("back to the images")),
  );
  let state = /** @type {State} */ (null);

  async function copyLink() {
    const url = link(state.shown);
    const copied = await copy(url);
    // On the button, which is in sight.
    setText(copyButton, copied ? t("copied") : COPY);
    if (copied) setTimeout(() => setText(copyButton, COPY), NOTICE_MS);
    setText(status, copied ? "" : t("The browser kept its clipboard closed; here is the link:"));
    address.hidden = copied;
    address.value = url;
    if (!copied) address.select();
  }

  async function saveCard() {
    const { shown: index, model } = state;
    const card = {
      ...cardOf(state, tags.of(index)),
      heats: heatMaps(),
      foot: footOf(model.header, link?.(index)),
    };
    try {
      const blob = await drawCard({ ...card, image: await sheets().canvas(index) });
      download(blob, `cifar-test-${index}-${model.header.name}.png`);
      setText(status, "");
    } catch (error) {
      setText(status, error.message);
    }
  }

  return {
    nodes: [buttons, status, address],
    /** @param {State} next */
    update(next) {
      state = next;
    },
    /** Remove what was said about another image. */
    clear() {
      setText(status, "");
      address.hidden = true;
    },
  };
}

/** Return what a card says about the shown image. @param {State} state @param {string[]} tags */
function cardOf(state, tags) {
  const { shown: index } = state;
  const { label, predicted, correct, confidence, verdict } = recordOf(state, index);
  const { classes } = state.images.header;
  /** @type {Array<{text: string, kind?: 'said'|'true'|'quiet'}>} */
  const lines = [
    { text: t("CIFAR-10 test image #{index}", { index: String(index) }) },
    { text: t("labelled {label}", { label: classes[label] }), kind: "true" },
    {
      text: t("seen as {predicted}, {probability}", {
        predicted: classes[predicted],
        probability: probability(confidence),
      }),
      kind: correct ? "true" : "said",
    },
  ];
  if (verdict) lines.push({ text: verdict.title, kind: "quiet" });
  for (const tag of tags)
    lines.push({ text: t("tagged: {tag}", { tag: inWords([tag]) }), kind: "quiet" });
  return { lines, classes, sides: sidesOf(state, index), predicted, label };
}

/** @param {any} model header @param {string} [link] */
function footOf({ title, accuracy }, link) {
  const accurate = t("accuracy {accuracy}", { accuracy: percent(accuracy.value, 2) });
  const words = ["CIFAR Lens", title, accurate];
  if (link) words.push(link);
  return words.join(" · ");
}
