/** One image large: what it is, who says what, why, what speaks for it, and what is like it. */

import { createEvidence } from "../evidence/evidence.js";
import { copy, download, el, enable, fill, setStyle, setText } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { count, percent } from "../shared/words.js";
import { createBars, sidesOf } from "./bars.js";
import { CONFIDENCE, PROBABILITY, caption } from "./captions.js";
import { drawCard } from "./card.js";
import { tagsCsv } from "./export.js";
import { createSheets } from "./sheets.js";
import { TAGS } from "./tags.js";

/** Screen pixels for each of an image's: at first, and where it is enlarged as far as it fits. */
const SCALE = 5;
const LARGE = 10;
const NEIGHBOR_SCALE = 2;
/** The row of an image without training images on record. */
const NO_ROW = 65535;

/**
 * @param {any} adapter
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
  const picture = el("button.pixels.picture", {
    "aria-pressed": "false",
    title: "larger or smaller",
    onclick: enlarge,
  });
  const title = el("h2");
  const facts = el("div.facts");
  const verdict = el("p.verdict");
  const before = el(
    "button.small",
    { onclick: () => step(-1), title: "previous image (k)" },
    "‹ previous",
  );
  const after = el("button.small", { onclick: () => step(1), title: "next image (j)" }, "next ›");
  const place = el("p.quiet.place");
  const reasons = el("p.reasons");
  const numbers = el("p.quiet.numbers");
  const bars = createBars();
  const evidence =
    adapter.evidence &&
    createEvidence({
      classes,
      options: adapter.evidence.options,
      ask: adapter.evidence,
      compact: true,
    });
  const trained = el("div.neighbours");
  const trainedPart = el("section", {}, el("h3", {}, "Nearest training images"), trained);
  const alike = el(
    "button.alike",
    { onclick: () => pick(+alike.dataset.index) },
    el("span.pixels"),
    el("span"),
  );
  const alikePart = el("section", {}, el("h3", {}, "Nearest image that it gets right"), alike);
  const tagButtons = TAGS.map((tag) =>
    el(
      "button.chip",
      { "data-tag": tag, onclick: ({ currentTarget }) => mark(tag, currentTarget) },
      tag,
    ),
  );
  const tagged = el("span.quiet");
  const exportTags = el("button.link", { onclick: saveTags }, "export tags");
  const status = el("p.quiet", { role: "status" });
  const address = el("input.address", {
    readonly: true,
    hidden: true,
    "aria-label": "link to this image",
  });
  const head = el(
    "div.head",
    {},
    picture,
    el("div.about", {}, title, facts, verdict, el("div.steps-nav", {}, before, after), place),
  );
  const body = el(
    "div.body",
    {},
    head,
    reasons,
    numbers,
    bars.node,
    evidence?.node,
    evidence?.aside,
    trainedPart,
    alikePart,
    el(
      "section",
      {},
      el("h3", {}, "What do you say?"),
      el("div.chips", { role: "group", "aria-label": "Tags for this image" }, tagButtons),
      el("p.tagged", {}, tagged, exportTags),
    ),
    el(
      "div.keep",
      {},
      adapter.link && el("button.small", { onclick: copyLink }, "copy link"),
      el("button.small", { onclick: saveCard }, "save card"),
      el("button.small.back", { onclick: back }, "back to the images"),
    ),
    status,
    address,
  );
  const hint = el(
    "p.quiet",
    {},
    "Pick an image to see it large, with the evidence for both classes.",
  );
  const said = el("p.unseen", { role: "status" });
  const node = el(
    "section.detail",
    { "aria-label": "The image that was picked" },
    said,
    hint,
    body,
  );

  let state = null;
  let drawn = {};
  let large = false;
  /** Sheets of training images, by the name of the model. */
  const trainSheets = new Map();

  function enlarge() {
    large = !large;
    picture.setAttribute("aria-pressed", large);
    paint();
  }

  function paint() {
    const scale = large ? Math.min(LARGE, Math.floor(head.clientWidth / SIDE) || LARGE) : SCALE;
    setStyle(picture, { "--side": `${SIDE * scale}px` });
    sheets().paint(picture, state.shown, scale);
    if (!alikePart.hidden) sheets().paint(alike.firstChild, +alike.dataset.index, 2);
    if (!trainedPart.hidden) paintTrained();
  }

  /** What the visitor sees pressed is taken off, whatever another tab did since. */
  function mark(tag, button) {
    tags.set(state.shown, tag, button.getAttribute("aria-pressed") !== "true");
    drawTags();
  }

  function drawTags() {
    tags.refresh();
    const now = tags.of(state.shown);
    for (const button of tagButtons)
      button.setAttribute("aria-pressed", now.includes(button.dataset.tag));
    const n = Object.keys(tags.all()).length;
    setText(tagged, n ? `${n} tagged in this browser · ` : "Tags stay in this browser.");
    exportTags.hidden = !n;
  }

  function saveTags() {
    tags.refresh();
    download(new Blob([tagsCsv(state, tags)], { type: "text/csv" }), "cifar-tags.csv");
  }

  async function copyLink() {
    const url = link(state.shown);
    const done = await copy(url);
    setText(
      status,
      done
        ? "The link to this image is on the clipboard."
        : "The browser kept its clipboard closed; here is the link:",
    );
    address.hidden = done;
    address.value = url;
    if (!done) address.select();
  }

  async function saveCard() {
    const { shown: index, model } = state;
    const label = images.columns.label[index];
    const predicted = model.columns.predicted[index];
    try {
      const image = await sheets().canvas(index);
      const title = verdictOf(index)?.title;
      const blob = await drawCard({
        image,
        lines: [
          { text: `CIFAR-10 test image #${index}` },
          { text: `labelled ${classes[label]}`, kind: "true" },
          {
            text: `seen as ${classes[predicted]}, ${sure(index)}`,
            kind: predicted === label ? "true" : "said",
          },
          ...(title ? [{ text: title, kind: "quiet" }] : []),
          ...tags.of(index).map((tag) => ({ text: `tagged: ${tag}`, kind: "quiet" })),
        ],
        classes,
        sides: sidesOf(state, index),
        predicted,
        label,
        heats: evidence?.drawn() ?? [],
        foot: `CIFAR Lens · ${model.header.title} · accuracy ${percent(model.header.accuracy.value, 2)}${adapter.link ? ` · ${link(index)}` : ""}`,
      });
      download(blob, `cifar-test-${index}-${model.header.name}.png`);
      setText(status, "");
    } catch (error) {
      setText(status, error.message);
    }
  }

  const verdictOf = (index) => state.model.header.verdicts[state.model.columns.verdict[index] - 1];
  const sure = (index) => percent(state.model.columns.confidence[index] * CONFIDENCE);

  /** What people said about the image, in sentences. */
  function sentences(index, label, predicted) {
    const { votes, review_given: given, review_guess: guess } = images.columns;
    const own = votes.subarray(index * classes.length, (index + 1) * classes.length);
    const total = own.reduce((sum, n) => sum + n, 0);
    const out = [];
    const chose = (n, k) =>
      `${n === total ? "all" : n === 0 ? "none" : n} of ${total} people chose ${classes[k]}`;
    if (total && label !== predicted && own[label] < total)
      out.push(
        `${chose(own[predicted], predicted)}, ${own[label] || "none"} chose ${classes[label]}.`,
      );
    else if (total) out.push(`${chose(own[label], label)}.`);
    if (given[index] >= 0) {
      const n = given[index];
      const offered =
        guess[index] < classes.length ? `, ${classes[guess[index]]} being the other choice` : "";
      out.push(`${n || "none"} of ${images.header.reviewers} reviewers kept the label${offered}.`);
    }
    return out.map((text) => text[0].toUpperCase() + text.slice(1));
  }

  function draw() {
    const { shown: index, model } = state;
    const {
      predicted: predictions,
      probabilities,
      loss,
      margin,
      entropy,
      nearest_right: nearest,
    } = model.columns;
    const label = images.columns.label[index];
    const predicted = predictions[index];
    const right = label === predicted;
    fill(title, el("small", {}, "test image "), `#${index}`);
    const labelShare = probabilities[index * classes.length + label] * PROBABILITY;
    fill(
      facts,
      !right &&
        el("p", {}, "labelled ", el("b.true", {}, classes[label]), `, ${percent(labelShare)}`),
      el(
        "p",
        {},
        right ? "recognised as " : "seen as ",
        el(right ? "b.true" : "b.said", {}, classes[predicted]),
        `, ${sure(index)} sure`,
      ),
    );
    const why = verdictOf(index);
    fill(
      verdict,
      why &&
        el(
          "span.badge",
          {},
          el("i.dot", { "data-verdict": model.columns.verdict[index] - 1 }),
          why.title,
        ),
    );
    fill(
      reasons,
      sentences(index, label, predicted).join(" "),
      why && el("span.quiet", {}, ` Hence "${why.title}": ${why.rule}.`),
    );
    setText(
      numbers,
      `loss ${(loss[index] / 1000).toFixed(2)} nats · margin ${(margin[index] * CONFIDENCE).toFixed(2)} · entropy ${(entropy[index] / 10_000).toFixed(2)} nats`,
    );
    alikePart.hidden = !nearest;
    if (nearest) {
      alike.dataset.index = nearest[index];
      setText(alike.lastChild, caption(state, nearest[index]));
    }
    setText(status, "");
    address.hidden = true;
    setText(said, `test image ${caption(state, index).slice(1)}`);
    picture.setAttribute("aria-label", `test image ${index}, ${classes[label]}: show it larger`);
    evidence?.show({
      model: model.header.name,
      image: { index },
      key: String(index),
      label,
      picture: () => sheets().canvas(index),
    });
    drawTrained(index, predicted, label);
  }

  /** The training images nearest to a mistake, with their labels; nothing for a right answer. */
  function drawTrained(index, predicted, label) {
    const { neighbors } = state.model.header;
    const { neighbor_row: rows, neighbors: nearest, neighbor_labels: labels } = state.model.columns;
    trainedPart.hidden = !neighbors || rows[index] === NO_ROW;
    if (trainedPart.hidden) return;
    const like = (k) => (k === label ? "b.true" : k === predicted ? "b.said" : "span");
    fill(
      trained,
      Array.from({ length: neighbors.columns }, (_, k) => {
        const at = index * neighbors.columns + k;
        return el(
          "figure",
          { title: `training image ${nearest[at]}` },
          el("span.pixels"),
          el("figcaption", {}, el(like(labels[at]), {}, classes[labels[at]])),
        );
      }),
    );
  }

  function paintTrained() {
    const { header, columns } = state.model;
    const { per_sheet: rows, columns: wide } = header.neighbors;
    if (!trainSheets.has(header.name)) {
      const address = (k) => adapter.neighborSheet(header.name, k);
      const layout = { per_sheet: rows * wide, columns: wide };
      trainSheets.set(
        header.name,
        createSheets(address, layout, (place) => place, arrived),
      );
    }
    const first = columns.neighbor_row[state.shown] * wide;
    for (const [k, figure] of [...trained.children].entries())
      trainSheets.get(header.name).paint(figure.firstChild, first + k, NEIGHBOR_SCALE);
  }

  function arrived() {
    if (state && state.shown >= 0) paint();
  }

  return {
    node,
    /** @param {import('./explorer.js').State} next */
    update(next) {
      state = next;
      const { shown: index, model, other, place: at, selection } = next;
      body.hidden = index < 0;
      hint.hidden = index >= 0;
      node.classList.toggle("vacant", index < 0);
      if (index < 0) {
        drawn = {};
        return;
      }
      if (drawn.model !== model || drawn.index !== index) draw();
      if (drawn.model !== model || drawn.index !== index || drawn.other !== other) {
        bars.show(
          classes,
          sidesOf(state, index),
          model.columns.predicted[index],
          images.columns.label[index],
        );
      }
      drawn = { model, index, other };
      setText(
        place,
        at >= 0
          ? `${count(at + 1)} of ${count(selection.length)} in this selection`
          : "not among the images of this selection",
      );
      place.classList.toggle("outside", at < 0);
      enable(before, selection.length && at !== 0);
      enable(after, selection.length && at !== selection.length - 1);
      drawTags();
      paint();
    },
    /** A sheet of thumbnails has come. */
    arrived,
    destroy() {
      evidence?.destroy();
    },
  };
}
