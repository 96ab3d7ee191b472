/**
 * Show the evidence for what a network says of one picture: heat maps, whether they can be trusted,
 * what would change the answer, and all of it as a file.
 *
 * Nothing here knows where answers come from: see `Server`.
 */

import { download, el, enable, fill, setAria, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { createChoices } from "./choices.js";
import { createInside } from "./inside.js";
import { createAnswers, createLatest } from "./latest.js";
import { createMaps } from "./maps.js";
import { createProbes } from "./probes.js";
import { createTrust } from "./trust.js";

/** Walking through images with the keyboard must not ask for the maps of each. */
const REST_MS = 150;
const KEPT = 60;

/** @typedef {import('./choices.js').Options} Options */
/** @typedef {import('./choices.js').Choice} Choice */
/**
 * A test image, or all views of another picture and the one whose evidence is asked for.
 * @typedef {{index: number}|(import('../classify/classify.js').Seen & {look?: number})} ImageOf
 */
/** @typedef {{kind: string, title: string, text: string}} Notice a warning beside the answer */

/**
 * What `look` is asked.
 * @typedef {object} Question
 * @property {string} model
 * @property {ImageOf} image
 * @property {string} method
 * @property {string[]} layers
 * @property {number[]} classes one or two; [] for the answer and the label or runner-up
 */

/**
 * What `trust` is asked: about the map of `target`, beside that of `against` if there is one.
 * @typedef {Omit<Question, 'classes'> & {target: number, against?: number}} TrustQuestion
 */

/** @typedef {Pick<Question, 'model'|'image'>} ProbesQuestion */

/**
 * What `bundle` is asked: with the path of an upload, the upload goes into the file, too.
 * @typedef {Question & {strength: number, smooth: boolean, path?: string, fit?: string,
 *   box?: number[]|null}} BundleQuestion
 */

/**
 * What `look` answers.
 * @typedef {object} Answer
 * @property {number[]} probabilities
 * @property {number} predicted class
 * @property {number} runner_up
 * @property {number|null} label
 * @property {Notice[]} notices
 * @property {string} calibrated what a probability means, and on what that was measured
 * @property {number[][]} looks the class that each view of the picture says: as it is, and
 *   mirrored if there are several views
 * @property {number[]} nearest test images most like a picture; of a test image, it may be empty
 * @property {string} method
 * @property {string[]} layers
 * @property {string} title of the layers
 * @property {string} unit of the maps
 * @property {import('../shared/heat.js').HeatMap[]} maps
 */

/** @typedef {{name: string, data: string}} Bundle a file, its content in base64 */

/**
 * What `probes` answers.
 * @typedef {{probes: import('./probes.js').Probe[], flips: import('./probes.js').Flip[]}} Probed
 */

/**
 * What answers; each takes one question and rejects with a sentence for the visitor. All but `look`
 * may be missing, and then what needs it is not shown.
 * @typedef {object} Server
 * @property {(question: Question) => Promise<Answer>} look
 * @property {(question: TrustQuestion) => Promise<import('./trust.js').Trust>} [trust]
 * @property {(question: ProbesQuestion) => Promise<Probed>} [probes]
 * @property {(question: ProbesQuestion) => Promise<import('./account.js').Account|null>} [account]
 * @property {(question: import('./way.js').WayQuestion) => Promise<import('./way.js').Way>} [layers]
 * @property {(question: BundleQuestion) => Promise<Bundle>} [bundle]
 */

/**
 * One picture under one model.
 * @typedef {object} Subject
 * @property {string} model
 * @property {ImageOf} image
 * @property {string} key of the picture, unlike any other's
 * @property {number|null} label
 * @property {() => Promise<HTMLCanvasElement>} picture 32x32
 * @property {string} [path] of the upload that it comes from
 * @property {{fit: string, box: number[]|null}} [view] how it was cut out of that
 * @property {(answer: Answer) => void} [onanswer] called with each answer about it, the first of
 *   which may come before its maps are drawn
 * @property {(error: Error, again: () => void) => void} [onfailure] called if no answer came
 */

/** @param {Subject} about */
const pictureOf = ({ model, key }) => JSON.stringify([model, key]);

/** @param {Subject} about @param {Choice} by @param {number[]} wanted classes */
const keyOf = ({ model, key }, { method: by, layers }, wanted) =>
  JSON.stringify([model, key, by, layers, wanted]);

/**
 * @param {object} panel
 * @param {string[]} panel.classes
 * @param {Options} panel.options
 * @param {Server} panel.ask
 * @param {import('./account-terms.js').Channels} [panel.channels] for what each answers to
 * @param {boolean} [panel.compact] below much else, so that its headings are smaller
 */
export function createEvidence({ classes, options, ask, channels, compact = false }) {
  const answers = createAnswers(ask.look, KEPT);
  const latest = createLatest();
  const choices = createChoices(classes, options, () => refresh());
  const maps = createMaps(classes, options.colours);
  const trust = ask.trust && createTrust(classes, ask.trust);
  const probes = ask.probes && createProbes(classes, ask.probes);
  const inside = createInside(classes, ask, channels);

  const status = el("p.status", { role: "status" });
  const save = el("button.small", { onclick: saveBundle }, t("save evidence (.zip)"));
  const saved = el("span.quiet", { role: "status" });
  const others = el("summary", {}, t("Other classes"));
  const node = el(
    "section.evidence.lens",
    { "aria-label": t("Evidence"), "data-compact": compact },
    el(compact ? "h3" : "h2", {}, t("Where it looked")),
    status,
    maps.node,
    trust?.node,
    el("details.choose", {}, others, choices.classes, maps.contrasting),
    el("details.choose", {}, choices.summary, choices.method, maps.drawing),
    inside.nodes,
    ask.bundle && el("div.evidence-keep", {}, save, saved),
  );

  const aside =
    probes &&
    el(
      "section.evidence.changes.lens",
      { "aria-label": t("What would change its mind"), "data-compact": compact },
      el(compact ? "h3" : "h2", {}, t("What would change its mind")),
      probes.node,
    );

  /** @type {Subject|null} */
  let subject = null;
  /** What is drawn; null while something else is awaited. @type {Answer|null} */
  let answer = null;

  /** The picture and model whose maps were drawn last. */
  let drawnOf = "";
  /** @param {Subject} about @param {number[]} wanted classes @param {Choice} by */
  function look(about, wanted, by) {
    const { model, image } = about;
    return answers.get(keyOf(about, by, wanted), { model, image, ...by, classes: wanted });
  }

  /**
   * Fetch the answer to what is chosen. The prediction is fetched first where the classes are named
   * after it, or where the maps take long.
   * @param {Subject} about
   * @param {() => boolean} current whether nothing newer was asked
   * @returns {Promise<Answer|null>}
   */
  async function find(about, current) {
    const by = choices.wanted();
    const usual = choices.usual();
    let facts = null;
    if (choices.relative || (choices.slow && about.onanswer)) {
      facts = await look(about, [], usual);
      if (!current()) return null;
      about.onanswer?.(facts);
    }
    return look(about, choices.wantedClasses(facts), by);
  }

  function refresh() {
    if (!subject) return;
    const about = subject;
    answer = null;
    enable(save, false);
    const words = choices.slow ? t("looking, which takes a while ...") : t("looking ...");
    maps.wait(words, drawnOf !== pictureOf(subject));
    trust?.clear();
    setAria(node, "busy", true);
    fill(status);
    const here =
      !choices.relative && answers.has(keyOf(about, choices.wanted(), choices.wantedClasses()));
    latest.start(
      here ? 0 : REST_MS,
      (current) => Promise.all([find(about, current), about.picture()]),
      ([found, picture]) => present(about, found, picture),
      (error) => fail(about, error),
    );
  }

  /** @param {Subject} about @param {Answer} found @param {HTMLCanvasElement} picture */
  function present(about, found, picture) {
    answer = found;
    drawnOf = pictureOf(about);
    setAria(node, "busy", false);
    enable(save, true);
    choices.show(found);
    maps.show(found, picture);
    const { model, image } = about;
    const { method: by, layers } = found;
    const targets = found.maps.map((map) => map.target);
    inside.show(pictureOf(about), { model, image }, targets, picture);
    const [target, against] = targets;
    /** @type {TrustQuestion} */
    const question = { model, image, method: by, layers, target };
    // The map beside it has a say in its scale, and in what FinerCAM sets it against.
    if (against !== undefined) question.against = against;
    trust?.reset(keyOf(about, found, [target, against]), question);
    about.onanswer?.(found);
  }

  /** @param {Subject} about @param {Error} error */
  function fail(about, error) {
    setAria(node, "busy", false);
    fill(status, `${error.message} `, el("button.link", { onclick: refresh }, t("try again")));
    maps.node.hidden = true;
    about?.onfailure?.(error, refresh);
  }

  async function saveBundle() {
    const { model, image, path, view } = subject;
    const { method: by, layers, maps: found } = answer;
    const wanted = found.map(({ target }) => target);
    enable(save, false);
    setText(saved, t("gathering ..."));
    try {
      const { name, data } = await ask.bundle({
        model,
        image,
        method: by,
        layers,
        classes: wanted,
        ...maps.settings(),
        ...(path && { path, ...view }),
      });
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      download(new Blob([bytes], { type: "application/zip" }), name);
      setText(saved, "");
    } catch (error) {
      setText(saved, error.message);
    }
    enable(save, answer !== null);
  }

  trust?.clear();
  enable(save, false);
  choices.setModel(Object.keys(options.defaults)[0]);

  return {
    node,
    /** What would change the answer, for beside or below the evidence; undefined without probes. */
    aside,

    /** @param {Subject} next */
    show(next) {
      subject = next;
      const { model, image, label } = next;
      choices.setModel(model);
      setText(saved, "");
      probes?.reset(pictureOf(next), { model, image }, label);
      refresh();
    },

    /** Show and save nothing: what the network is about to see is no longer what was shown. */
    clear() {
      latest.cancel();
      subject = answer = null;
      drawnOf = "";
      enable(save, false);
      setText(saved, "");
      fill(status);
      maps.wait("", true);
      trust?.clear();
      inside.clear();
      probes?.clear();
    },

    /** Return the canvases that are drawn now with their captions, class by class. */
    drawn: () => (answer ? maps.drawn() : []),

    destroy() {
      latest.cancel();
      trust?.destroy();
      probes?.destroy();
    },
  };
}
