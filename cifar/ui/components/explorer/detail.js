/** One image large: its label and prediction, the reasons and evidence, and its neighbors. */

import { createEvidence } from "../evidence/evidence.js";
import { pixelsOf } from "../classify/pixels.js";
import { el, fill, setText } from "../shared/dom.js";
import { SPACE, t } from "../shared/language.js";
import { decimal } from "../shared/words.js";
import { createBars, sidesOf } from "./bars.js";
import { CONFIDENCE, description } from "./captions.js";
import { createHead } from "./detail-head.js";
import { createDifficulty } from "./difficulty.js";
import {
  createCorrectNeighbor,
  createNeighborSheets,
  createTrainingNeighbors,
} from "./neighbors.js";
import { recordOf, votesOf, voteSentences } from "./record.js";
import { createSharing } from "./sharing.js";
import { createTagging } from "./tagging.js";
import { createChannels } from "./channels.js";
import { createTwin } from "./twin.js";

/** @import { Actions, Adapter, State } from "./explorer.js" */

/**
 * @param {Adapter} adapter
 * @param {import('./pack.js').Pack} images
 * @param {Pick<Actions, 'pick'|'alike'|'setArea'|'step'|'back'|'link'|'sheets'|'tags'>} actions
 */
export function createDetail(
  adapter,
  images,
  { pick, alike, setArea, step, back, link, sheets, tags },
) {
  const { classes } = images.header;
  const { evidence: ask } = adapter;
  const channels = createChannels(adapter.pack, async () => sheets().canvas);
  const evidence =
    ask && createEvidence({ classes, options: ask.options, ask, channels, compact: true });
  const head = createHead(classes, { step, sheets });
  const onward = el("div.keep");
  const reasons = el("p.reasons");
  const difficulty = createDifficulty(images);
  const numbers = el("p.quiet.numbers");
  const bars = createBars();
  const near = createNeighborSheets(adapter.neighborSheet, () => state?.shown >= 0 && paint());
  const trainingNeighbors = createTrainingNeighbors(classes, near);
  const correctNeighbor = createCorrectNeighbor({ pick, sheets }, near);
  const twin = createTwin(images, adapter.sheet, () => state?.shown >= 0 && paint());
  const tagging = createTagging({ tags, setArea });
  const sharing = createSharing(
    { link: adapter.link ? link : null, back, sheets, tags },
    () => evidence?.drawn() ?? [],
  );
  const body = el(
    "div.body",
    {},
    head.node,
    onward,
    reasons,
    difficulty.node,
    numbers,
    bars.node,
    evidence?.node,
    evidence?.aside,
    twin.node,
    trainingNeighbors.node,
    correctNeighbor.node,
    tagging.node,
    sharing.nodes,
  );
  const hint = el(
    "p.quiet",
    {},
    t("Pick an image to see it large, with the evidence for both classes."),
  );
  const announcement = el("p.unseen", { role: "status" });
  const label = t("The image that was picked");
  const node = el("section.detail", { "aria-label": label }, announcement, hint, body);
  let state = /** @type {State} */ (null);
  /** The models and the index that are drawn. */
  let drawn = {};

  function drawImage(record) {
    const { index, verdict } = record;
    head.show(record);
    fill(
      onward,
      !record.correct &&
        el(
          "button.small",
          { onclick: () => alike(record) },
          t("all {label} seen as {predicted}", {
            label: classes[record.label],
            predicted: classes[record.predicted],
          }),
        ),
      adapter.classify &&
        el("button.small", { onclick: () => classify(record) }, t("open in Classify")),
    );
    fill(
      reasons,
      voteSentences(images, record).join(SPACE),
      verdict && el("span.quiet", {}, " ", hence(verdict)),
    );
    difficulty.show(record);
    setText(numbers, measures(state.model, index));
    twin.show(record);
    trainingNeighbors.show(state.model, record);
    correctNeighbor.show(state, record);
    sharing.clear();
    setText(
      announcement,
      t("test image {index} {description}", {
        index: String(index),
        description: description(state, index),
      }),
    );
    evidence?.show({
      model: state.model.header.name,
      image: { index },
      key: String(index),
      label: record.label,
      picture: () => sheets().canvas(index),
    });
  }

  /** Open an image in the other tab. @param {import('./record.js').ImageRecord} record */
  async function classify({ index, label }) {
    adapter.classify({
      index,
      label,
      votes: votesOf(images, index),
      pixels: pixelsOf(await sheets().canvas(index)),
      ...{ story: "", what: "", note: "", kind: "image" },
    });
  }

  /** Draw what the change of the image, the model or the model compared with makes necessary. */
  function draw() {
    const { shown: index, model, other } = state;
    const record = recordOf(state, index);
    const sameImage = drawn.model === model && drawn.index === index;
    if (!sameImage) drawImage(record);
    if (!sameImage || drawn.other !== other)
      bars.show(classes, sidesOf(state, index), record.predicted, record.label);
    drawn = { model, index, other };
  }

  function paint() {
    head.paint();
    correctNeighbor.paint();
    trainingNeighbors.paint();
    twin.paint();
  }

  return {
    node,
    /** @param {State} next */
    update(next) {
      state = next;
      const vacant = state.shown < 0;
      body.hidden = vacant;
      hint.hidden = !vacant;
      node.classList.toggle("vacant", vacant);
      if (vacant) {
        drawn = {};
        return;
      }
      sharing.update(state);
      draw();
      head.setPlace(state.place, state.selection.length);
      tagging.update(state);
      paint();
    },
    /** Paint the thumbnails of a sheet that has loaded. */
    arrived() {
      if (state?.shown >= 0) paint();
    },
    destroy() {
      evidence?.destroy();
    },
  };
}

/** @param {import('./record.js').ImageRecord['verdict']} verdict */
const hence = ({ title, rule }) => t("Hence “{verdict}”: {rule}.", { verdict: title, rule });

/** Return loss, margin and entropy in words. @param {import('./pack.js').Pack} model */
function measures({ columns: { loss, margin, entropy } }, index) {
  return [
    t("loss {loss} nats", { loss: decimal(loss[index] / 1000, 2) }),
    t("margin {margin}", { margin: decimal(margin[index] * CONFIDENCE, 2) }),
    t("entropy {entropy} nats", { entropy: decimal(entropy[index] / 10_000, 2) }),
  ].join(" · ");
}
