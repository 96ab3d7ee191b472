/**
 * "What adds up to this answer": the largest terms of a logit as bars, each with the place in the
 * picture that it comes from and the test images that excite its channel most. A channel can be
 * switched off, and the answer without it is there at once.
 */

import { ranked } from "../shared/bars.js";
import { el, enable, fill, setAria, setText } from "../shared/dom.js";
import { parts, plural, t } from "../shared/language.js";
import { probability } from "../shared/words.js";
import { createTerms, withSign } from "./account-terms.js";
import { without } from "./account.js";
import { createAnswers, createLatest } from "./latest.js";

/** Classes named in an answer. */
const NAMED = 2;
const KEPT = 20;

/** @typedef {import('./account.js').Account} Account */

/**
 * @param {string[]} classes
 * @param {(question: object) => Promise<Account|null>} request
 * @param {import('./account-terms.js').Channels} [channels]
 */
export function createAccount(classes, request, channels) {
  const answers = createAnswers(request, KEPT);
  const latest = createLatest();
  const status = el("p.quiet", { role: "status" });
  const sums = el("div.chips");
  const sentence = el("p");
  const terms = createTerms(classes, channels, drawAnswer);
  const answer = el("p.without", { role: "status" });
  const back = el("button.small", { onclick: () => putBack() }, t("put all back"));
  const body = el("div", { hidden: true }, sums, sentence, terms.node, answer, back);
  const node = el(
    "details.choose.account",
    { ontoggle: () => node.open && ask() },
    el("summary", {}, t("What adds up to this answer")),
    status,
    body,
  );

  /** @type {{key: string, question: {model: string}, targets: number[], picture: HTMLCanvasElement}|null} */
  let asked = null;
  let account = /** @type {Account|null} */ (null);
  /** The key of the picture that is drawn. */
  let shownKey = "";
  /** Which sum is shown: of the first class, of the second, or how far one is above the other. */
  let sum = 0;
  /** @type {Set<number>} */
  const removed = new Set();

  function ask() {
    if (!asked || !node.open || asked.key === shownKey) return;
    const { key, question } = asked;
    setText(status, body.hidden ? t("adding up ...") : "");
    latest.start(
      0,
      async () => [await answers.get(key, question), await channels?.of(question.model)],
      ([found, known]) => present(key, found, known),
      (error) => {
        body.hidden = true;
        fill(status, `${error.message} `, el("button.link", { onclick: ask }, t("try again")));
      },
    );
  }

  /** @type {import('../explorer/pack.js').Pack|undefined} */
  let pack;

  function present(key, found, known) {
    shownKey = key;
    account = found;
    removed.clear();
    const none = t("This network's last map is not pooled as a whole: its answer is no such sum.");
    setText(status, found ? "" : none);
    body.hidden = !found;
    if (!found) return;
    pack = known?.count === found.cells.length ? known : undefined;
    drawSums();
    drawTerms();
    drawAnswer();
  }

  /** Return the classes of the sum that is shown, the second null for a logit. */
  const shown = () => {
    const [one, other = null] = asked.targets;
    return [
      [one, null],
      [other, null],
      [one, other],
    ][sum];
  };

  function drawSums() {
    const [one, other] = asked.targets;
    if (other === undefined) sum = 0;
    const names = [classes[one]];
    if (other !== undefined) {
      names.push(classes[other]);
      names.push(t("{one} rather than {other}", { one: classes[one], other: classes[other] }));
    }
    const chips = names.map((name, k) =>
      el(
        "button.chip",
        {
          "aria-pressed": String(k === sum),
          onclick() {
            sum = k;
            for (const [at, chip] of chips.entries()) setAria(chip, "pressed", at === sum);
            drawTerms();
          },
        },
        name,
      ),
    );
    fill(sums, chips);
  }

  function drawTerms() {
    const [one, other] = shown();
    const { logits } = account;
    const above = logits[one] - (other === null ? 0 : logits[other]);
    const total = el("b", {}, withSign(above));
    const name = el("b", {}, classes[one]);
    fill(
      sentence,
      other === null
        ? parts("The logit of {name} is {total}, and exactly this sum:", { name, total })
        : parts("{name} is {total} above {other} in logits, and exactly this sum:", {
            ...{ name, total },
            other: el("b", {}, classes[other]),
          }),
    );
    terms.draw({ account, pack, picture: asked.picture, one, other, removed });
  }

  function drawAnswer() {
    const shares = without(account, removed);
    const named = ranked(shares)
      .slice(0, NAMED)
      .map((k) => `${classes[k]} ${probability(shares[k], 1)}`)
      .join(", ");
    const n = removed.size;
    const words = t("With all channels: {answer}", { answer: named });
    setText(
      answer,
      n
        ? plural(n, "Without {n} channel: {answer}", "Without {n} channels: {answer}", {
            answer: named,
          })
        : words,
    );
    enable(back, n > 0);
  }

  function putBack() {
    removed.clear();
    drawTerms();
    drawAnswer();
  }

  return {
    node,
    /**
     * Show the sum behind the answer for a picture, once the part is open.
     * @param {string} key of model and picture
     * @param {{model: string, image: object}} question
     * @param {number[]} targets one or two classes
     * @param {HTMLCanvasElement} picture 32x32
     */
    show(key, question, targets, picture) {
      const same = key === shownKey;
      asked = { key, question, targets, picture };
      if (same && account) {
        drawSums();
        drawTerms();
      }
      ask();
    },
    /** Follow no picture. */
    clear() {
      asked = null;
      shownKey = "";
      latest.cancel();
      body.hidden = true;
      setText(status, "");
    },
  };
}
