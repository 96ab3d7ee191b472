/** One image large: its label and prediction, the reasons and evidence, and its neighbors. */

import { createEvidence } from "../evidence/evidence.js";
import { el, fill, setText } from "../shared/dom.js";
import { createBars, sidesOf } from "./bars.js";
import { CONFIDENCE, caption } from "./captions.js";
import { createHead } from "./detail-head.js";
import { createKeep } from "./keep.js";
import { createCorrectNeighbor, createTrainingNeighbors } from "./neighbors.js";
import { recordOf } from "./record.js";
import { createTagging } from "./tagging.js";
import { voteSentences } from "./votes.js";

/**
 * @param {import('./explorer.js').Adapter} adapter
 * @param {import('./pack.js').Pack} images
 * @param {object} actions
 * @param {(index: number) => void} actions.pick
 * @param {(by: number) => void} actions.step
 * @param {() => void} actions.back to the gallery
 * @param {(index: number) => string} actions.link
 * @param {() => ReturnType<typeof import('./sheets.js').createSheets>} actions.sheets
 * @param {ReturnType<typeof import('./tags.js').createTags>} actions.tags
 */
export function createDetail(adapter, images, { pick, step, back, link, sheets, tags }) {
  const { classes } = images.header;
  const evidence = createEvidencePanel(adapter, classes);
  const head = createHead(classes, { step, sheets });
  const reasons = el("p.reasons");
  const numbers = el("p.quiet.numbers");
  const bars = createBars();
  const trainingNeighbors = createTrainingNeighbors(classes, adapter.neighborSheet);
  const correctNeighbor = createCorrectNeighbor({ pick, sheets });
  const tagging = createTagging(tags);
  const keep = createKeep({
    link: adapter.link ? link : null,
    back,
    sheets,
    tagsOf: tags.of,
    heatMaps: () => evidence?.drawn() ?? [],
  });
  const body = el(
    "div.body",
    {},
    head.node,
    reasons,
    numbers,
    bars.node,
    evidence?.node,
    evidence?.aside,
    trainingNeighbors.node,
    correctNeighbor.node,
    tagging.node,
    keep.nodes,
  );
  const hint = el(
    "p.quiet",
    {},
    "Pick an image to see it large, with the evidence for both classes.",
  );
  const announcement = el("p.unseen", { role: "status" });
  const label = "The image that was picked";
  const node = el("section.detail", { "aria-label": label }, announcement, hint, body);
  /** @type {import('./explorer.js').State} */
  let state = null;
  /** What is drawn: the models and the index. */
  let drawn = {};

  function drawImage(record) {
    const { index, verdict } = record;
    head.show(record);
    fill(
      reasons,
      voteSentences(images, record).join(" "),
      verdict && el("span.quiet", {}, ` Hence "${verdict.title}": ${verdict.rule}.`),
    );
    setText(numbers, measures(state.model, index));
    trainingNeighbors.show(state.model, record);
    correctNeighbor.show(state, index);
    keep.clear();
    setText(announcement, `test image ${caption(state, index).slice(1)}`);
    evidence?.show({
      model: state.model.header.name,
      image: { index },
      key: String(index),
      label: record.label,
      picture: () => sheets().canvas(index),
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
  }

  return {
    node,
    /** @param {import('./explorer.js').State} next */
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
      keep.update(state);
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

/** @param {import('./explorer.js').Adapter} adapter @param {string[]} classes */
function createEvidencePanel({ evidence }, classes) {
  if (!evidence) return null;
  return createEvidence({ classes, options: evidence.options, ask: evidence, compact: true });
}

/** Return loss, margin and entropy in words. @param {import('./pack.js').Pack} model */
function measures({ columns: { loss, margin, entropy } }, index) {
  return [
    `loss ${(loss[index] / 1000).toFixed(2)} nats`,
    `margin ${(margin[index] * CONFIDENCE).toFixed(2)}`,
    `entropy ${(entropy[index] / 10_000).toFixed(2)} nats`,
  ].join(" · ");
}
