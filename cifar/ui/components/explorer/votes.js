/** What people said about an image, in sentences. */

/**
 * Return how many people chose the label, or the prediction instead of it, and how many reviewers
 * kept the label.
 * @param {import('./pack.js').Pack} images
 * @param {Pick<import('./record.js').ImageRecord, 'index'|'label'|'predicted'>} record
 * @returns {string[]}
 */
export function voteSentences({ header, columns }, { index, label, predicted }) {
  const { classes, reviewers } = header;
  const { votes, review_given: given, review_guess: guess } = columns;
  const own = Array.from(votes.subarray(index * classes.length, (index + 1) * classes.length));
  const total = own.reduce((sum, n) => sum + n, 0);
  const amount = (n) => (n === total ? "all" : n || "none");
  const chose = (k) => `${amount(own[k])} of ${total} people chose ${classes[k]}`;
  const sentences = [];
  if (total && label !== predicted && own[label] < total) {
    sentences.push(`${chose(predicted)}, ${own[label] || "none"} chose ${classes[label]}.`);
  } else if (total) {
    sentences.push(`${chose(label)}.`);
  }
  if (given[index] >= 0) {
    const other = classes[guess[index]];
    const offered = other ? `, ${other} being the other choice` : "";
    sentences.push(`${given[index] || "none"} of ${reviewers} reviewers kept the label${offered}.`);
  }
  return sentences.map((text) => text[0].toUpperCase() + text.slice(1));
}
