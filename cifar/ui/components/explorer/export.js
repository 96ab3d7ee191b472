/** Write the selection and the tags as texts, which `dom.js` offers for download. They are in English. */

/** @typedef {Pick<import('./tags.js').Tags, 'of'|'all'>} Reader of tags */

/**
 * Write a field of a CSV file (RFC 4180), quoted where it must be.
 * @param {string|number|null} value
 */
export function field(value) {
  // Spreadsheets take a text that begins like a formula for one, unless something stands before it.
  const formula = typeof value === "string" && /^[=+\-@\t\r]/.test(value);
  const text = `${formula ? "'" : ""}${value ?? ""}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {Array<Array<string|number>>} rows */
const csv = (rows) => rows.map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
/** Return the shortest decimal that is this float32 again. @param {number} value */
const exact = (value) =>
  [6, 7, 8, 9]
    .map((digits) => Number(value.toPrecision(digits)))
    .find((rounded) => Math.fround(rounded) === value);

/**
 * Describe each image of the selection, in its order.
 * @param {import('./select.js').Data} data
 * @param {ArrayLike<number>} selection test indices
 * @param {Reader} tags
 * @param {Float32Array} probabilities of all images, one row each
 */
export function rowsOf({ images, model }, selection, tags, probabilities) {
  const { recorded: classes } = images.header;
  const { predicted, verdict } = model.columns;
  const width = classes.length;
  return Array.from(selection, (i) => ({
    index: i,
    label: classes[images.columns.label[i]],
    predicted: classes[predicted[i]],
    confidence: exact(probabilities[i * width + predicted[i]]),
    probabilities: Array.from(probabilities.subarray(i * width, (i + 1) * width), exact),
    votes: Array.from(images.columns.votes.subarray(i * width, (i + 1) * width)),
    difficulty: images.columns.difficulty[i],
    verdict: verdict[i] ? model.header.verdicts[verdict[i] - 1].recorded : "",
    tags: tags.of(i),
  }));
}

/**
 * Write the selection as CSV: every row says which model and weights it is about.
 * @param {import('./select.js').Data} data
 * @param {ArrayLike<number>} selection test indices
 * @param {Reader} tags
 * @param {Float32Array} probabilities of all images, one row each
 */
export function selectionCsv(data, selection, tags, probabilities) {
  /** @type {import('./pack.js').ImagesHeader} */
  const { recorded: classes } = data.images.header;
  const { name, sha256: weights } = data.model.header;
  const head = ["index", "label", "predicted", "confidence"];
  head.push(...classes.map((title) => `probability ${title}`));
  head.push(...classes.map((title) => `votes ${title}`));
  head.push("networks_that_miss_it", "verdict", "tags", "model");
  if (weights) head.push("weights_sha256");
  const rows = rowsOf(data, selection, tags, probabilities).map((row) => [
    row.index,
    row.label,
    row.predicted,
    row.confidence,
    ...row.probabilities,
    ...row.votes,
    row.difficulty,
    row.verdict,
    row.tags.join("; "),
    name,
    ...(weights ? [weights] : []),
  ]);
  return csv([head, ...rows]);
}

/**
 * Write the selection as JSON, with what was asked for.
 * @param {import('./select.js').Data} data
 * @param {ArrayLike<number>} selection test indices
 * @param {Reader} tags
 * @param {Float32Array} probabilities of all images, one row each
 * @param {string} query the view as a query string
 */
export function selectionJson(data, selection, tags, probabilities, query) {
  const { header } = data.model;
  const whole = {
    about: "CIFAR-10 test images by test index; probabilities as float32",
    model: header.name,
    weights_sha256: header.sha256 ?? null,
    query,
    classes: data.images.header.recorded,
    count: selection.length,
    images: rowsOf(data, selection, tags, probabilities),
  };
  return JSON.stringify(whole, null, 1) + "\n";
}

/**
 * Write every tagged image as CSV, with its label and what the shown model said.
 * @param {import('./select.js').Data} data
 * @param {Reader} tags
 */
export function tagsCsv({ images, model }, tags) {
  const { recorded: classes } = images.header;
  const rows = Object.keys(tags.all())
    .map(Number)
    .filter((index) => index < images.count)
    .sort((a, b) => a - b)
    .map((index) => [
      index,
      classes[images.columns.label[index]],
      classes[model.columns.predicted[index]],
      tags.of(index).join("; "),
      model.header.name,
    ]);
  return csv([["index", "label", "predicted", "tags", "model"], ...rows]);
}

/** Where the evidence for corrected labels comes from, and its licences. */
const SOURCES =
  "votes: CIFAR-10H (Peterson et al. 2019, CC BY-NC-SA 4.0); reviewers: label-errors " +
  "(Northcutt et al. 2021, Apache-2.0)";

/**
 * Write every label that people corrected as CSV, with the evidence.
 * @param {Pick<import('./select.js').Data, 'images'>} data
 */
export function correctedCsv({ images }) {
  /** @type {import('./pack.js').ImagesHeader} */
  const { recorded: classes } = images.header;
  const { label, corrected, votes, review_for: kept, review_against: rejected } = images.columns;
  const indices = Array.from({ length: images.count }, (_, i) => i);
  const rows = indices
    .filter((i) => corrected[i] !== label[i])
    .map((i) => {
      const own = votes.subarray(i * classes.length, (i + 1) * classes.length);
      return [
        i,
        classes[label[i]],
        classes[corrected[i]],
        own[label[i]],
        own[corrected[i]],
        own.reduce((sum, n) => sum + n, 0),
        kept[i],
        rejected[i],
        SOURCES,
      ];
    });
  const head = ["index", "label", "corrected", "votes_label", "votes_corrected", "votes"];
  return csv([[...head, "reviewers_kept", "reviewers_rejected", "sources"], ...rows]);
}
