/** Show the picture: ways to choose one, its crop box, and how it becomes square. */

import { choice, el, fill, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { createCamera, hasCamera, isHandheld } from "./camera.js";
import { createCrop } from "./crop.js";

const ACCEPT =
  "image/png,image/jpeg,image/webp,image/gif,image/bmp,image/avif,image/heic,image/heif,image/tiff";
/** @typedef {'crop'|'fit'|'stretch'} Fit how a picture becomes square */

/** @type {import('../shared/dom.js').Option<Fit>[]} */
const FITS = [
  { value: "crop", text: t("centre crop") },
  { value: "fit", text: t("fit") },
  { value: "stretch", text: t("stretch") },
];
const ABOUT = {
  crop: t(
    "The network looks at the middle in several ways. Drag the square or its corners for a crop of " +
      "your own; double click puts it back.",
  ),
  fit: t("The whole picture; the rest of the square gets its mean colour."),
  stretch: t("The whole picture, squeezed into a square."),
};

/**
 * @param {object} actions
 * @param {(file: File) => void} actions.take
 * @param {import('./crop.js').BoxChange} actions.box
 * @param {(fit: Fit) => void} actions.fit
 * @param {HTMLElement|null|undefined} beside another way on, beside the button for a picture
 */
export function createPicture({ take, box, fit }, beside) {
  const input = el("input", { type: "file", accept: ACCEPT, hidden: true, onchange: chosen });
  const shot = el("input", {
    type: "file",
    accept: "image/*",
    capture: "environment",
    hidden: true,
    onchange: chosen,
  });
  const camera = createCamera(take);
  const photo = el(
    "button.link",
    { hidden: true, onclick: () => (isHandheld() ? shot.click() : camera.open()) },
    t("take a photo"),
  );
  const crop = createCrop({
    change(shares, settled) {
      fits.set(shares ? "" : "crop");
      box(shares, settled);
    },
  });
  const fits = choice(t("How the picture becomes square"), FITS, fit);
  const about = el("p.quiet.about-fit");
  const status = el("p.status", { role: "status" });
  const problem = el("p.note", { role: "alert", hidden: true });
  const progress = el("div.progress", { hidden: true });
  const stage = el("div.stage", {}, crop.node, progress);
  const node = el(
    "section.yours",
    { "aria-label": t("The picture") },
    stage,
    el("div.fits", {}, fits.node, about),
    camera.node,
  );
  const ways = el(
    "div.ways",
    {},
    el(
      "div.row",
      {},
      el("button.main-button", { onclick: () => input.click() }, t("Try your own picture")),
      beside,
      el("span.quiet.mouse-only", {}, t("or drop it anywhere, or paste it")),
      photo,
      input,
      shot,
    ),
    problem,
    status,
  );
  fits.node.hidden = true;
  hasCamera().then((found) => (photo.hidden = !found && !isHandheld()));

  /** @param {Event} event */
  function chosen(event) {
    const field = event.target === shot ? shot : input;
    const [file] = field.files;
    field.value = ""; // the same file can be chosen again
    if (file) take(file);
  }

  /** Of the picture that is shown. @type {import('./classify.js').Picture['kind']} */
  let kind = "ready";

  /** @param {Fit} value */
  function setFit(value) {
    fits.set(value);
    setText(about, kind === "ready" ? "" : ABOUT[value]);
    crop.enable(kind === "cut" && value === "crop");
  }

  return {
    node,
    /** The ways to choose a picture, and what became of it. */
    ways,
    /** Show whether a file is dragged over the page. @param {boolean} over */
    hover(over) {
      node.classList.toggle("over", over);
    },
    /** Say what is being waited for; '' for nothing. @param {string} message */
    busy(message) {
      setText(status, message);
      problem.hidden = true;
      progress.hidden = !message;
      stage.inert = fits.node.inert = Boolean(message);
    },
    /**
     * Say in one sentence what went wrong; the picture stays.
     * @param {string} message
     * @param {() => void} [again]
     */
    fail(message, again) {
      this.busy("");
      problem.hidden = false;
      fill(problem, message, again && [" ", el("button.link", { onclick: again }, t("try again"))]);
    },
    /** Say something of the picture that is shown. @param {string} message */
    note: (message) => setText(status, message),
    setFit,
    /** Put the crop box back into the centre. */
    centre: crop.centre,
    /**
     * @param {import('./classify.js').Picture} picture
     * @param {Fit} value
     * @param {import('./box.js').Shares|null} box
     */
    show(picture, value, box) {
      kind = picture.kind;
      crop.show(picture.shown, picture.name, box);
      node.classList.toggle("ready", kind !== "cut");
      fits.node.hidden = kind === "ready";
      setFit(value);
      if (box) fits.set("");
    },
  };
}
