/** Show the card "Your picture": ways to choose one, its crop box, and how it becomes square. */

import { choice, el, fill, setText } from "../shared/dom.js";
import { createCamera, hasCamera, isHandheld } from "./camera.js";
import { createCrop } from "./crop.js";

const ACCEPT =
  "image/png,image/jpeg,image/webp,image/gif,image/bmp,image/avif,image/heic,image/heif,image/tiff";
/** @typedef {'crop'|'fit'|'stretch'} Fit how a picture becomes square */

/** @type {import('../shared/dom.js').Option<Fit>[]} */
const FITS = [
  { value: "crop", text: "centre crop" },
  { value: "fit", text: "fit" },
  { value: "stretch", text: "stretch" },
];
const ABOUT = {
  crop:
    "The network looks at the middle in several ways. Drag the square or its corners for a crop of " +
    "your own; double click puts it back.",
  fit: "The whole picture; the rest of the square gets its mean colour.",
  stretch: "The whole picture, squeezed into a square.",
};
const READY = "It has 32 x 32 pixels already, so nothing is cut or scaled.";

/**
 * @param {object} actions
 * @param {(file: File) => void} actions.take
 * @param {import('./crop.js').BoxChange} actions.box
 * @param {(fit: Fit) => void} actions.fit
 */
export function createPicture({ take, box, fit }) {
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
    "button.small",
    { hidden: true, onclick: () => (isHandheld() ? shot.click() : camera.open()) },
    "take a photo",
  );
  const crop = createCrop({
    change(shares, settled) {
      fits.set(shares ? "" : "crop");
      box(shares, settled);
    },
  });
  const fits = choice("How the picture becomes square", FITS, fit);
  const about = el("p.quiet.about-fit");
  const status = el("p.status", { role: "status" });
  const problem = el("p.note", { role: "alert", hidden: true });
  const progress = el("div.progress", { hidden: true });
  const stage = el("div.stage", {}, crop.node, progress);
  const node = el(
    "section.card.yours",
    { "aria-label": "Your picture" },
    el("h2", {}, "Your picture ", el("span.quiet.mouse-only", {}, "drop it here, or paste it")),
    stage,
    problem,
    status,
    el(
      "div.row",
      {},
      el("button.small", { onclick: () => input.click() }, "choose a file"),
      photo,
      input,
      shot,
    ),
    el("div.fits", {}, fits.node, about),
    camera.node,
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
    setText(about, kind === "ready" ? READY : ABOUT[value]);
    crop.enable(kind === "cut" && value === "crop");
  }

  return {
    node,
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
      fill(problem, message, again && [" ", el("button.link", { onclick: again }, "try again")]);
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
