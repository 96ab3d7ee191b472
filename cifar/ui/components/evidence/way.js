/**
 * "Its way through the network": what each layer makes of the picture. A square of it can be
 * covered, by dragging or with the arrow keys, and the layers show how far that reaches.
 */

import { ranked } from "../shared/bars.js";
import { el, enable, fill, setAria, setText } from "../shared/dom.js";
import { SIDE } from "../shared/heat.js";
import { heard, parts, t } from "../shared/language.js";
import { probability } from "../shared/words.js";
import { bytesOf } from "./account.js";
import { createAnswers, createLatest } from "./latest.js";

/** Dragging must not ask for every pixel on the way. */
const REST_MS = 60;
const KEPT = 60;
/** Pixels that an arrow key moves the square by. */
const STEP = 4;
/** Classes named in the answer. */
const NAMED = 2;

/** @typedef {[number, number]} Corner row and column of the square's first pixel */
/** @typedef {{model: string, image: object, covered: Corner|null}} WayQuestion */

/**
 * One layer. `maps` are the mean of its channels and then the strongest channels, `change` how far
 * all are from those of the whole picture: base64 of bytes, 0 to 255.
 * @typedef {object} Stage
 * @property {string} title
 * @property {number} size cells along a side
 * @property {number} count of channels
 * @property {number[]} channels the strongest
 * @property {string} maps
 * @property {string} change
 */

/** @typedef {{patch: number, probabilities: number[], layers: Stage[]}} Way */

/**
 * @param {string[]} classes
 * @param {(question: WayQuestion) => Promise<Way>} request
 */
export function createWay(classes, request) {
  const answers = createAnswers(request, KEPT);
  const latest = createLatest();
  const status = el("p.quiet", { role: "status" });
  const picture = el("canvas.cover", {
    ...{ role: "img", tabindex: 0, width: SIDE, height: SIDE },
    onpointerdown: point,
    onpointermove: (/** @type {PointerEvent} */ event) => event.buttons && point(event),
    onkeydown: walk,
  });
  const answer = el("p", { role: "status" });
  const whole = el("button.small", { onclick: () => cover(null) }, t("uncover it"));
  const stages = el("div.way");
  const hint = t("Press on the picture, or use the arrow keys on it, to cover a square.");
  const body = el(
    "div.way",
    { hidden: true },
    el("p.quiet", {}, hint),
    picture,
    answer,
    el("div", {}, whole),
    stages,
  );
  const node = el(
    "details.choose",
    { ontoggle: () => node.open && ask(0) },
    el("summary", {}, t("Its way through the network")),
    status,
    body,
  );

  /** @type {{key: string, question: {model: string, image: object}, picture: HTMLCanvasElement}|null} */
  let asked = null;
  let covered = /** @type {Corner|null} */ (null);
  /** The side of the square, as the server says. */
  let patch = 8;

  /** @param {number} rest milliseconds to wait, in case the square moves on */
  function ask(rest) {
    if (!asked || !node.open) return;
    const { key, question } = asked;
    if (body.hidden) setText(status, t("looking ..."));
    setAria(body, "busy", true);
    latest.start(
      rest,
      () => answers.get(JSON.stringify([key, covered]), { ...question, covered }),
      present,
      (error) => {
        body.hidden = true;
        const again = el("button.link", { onclick: () => ask(0) }, t("try again"));
        fill(status, `${error.message} `, again);
      },
    );
  }

  /** @param {Way} way */
  function present(way) {
    patch = way.patch;
    setText(status, "");
    body.hidden = false;
    setAria(body, "busy", false);
    const { probabilities: shares } = way;
    const named = ranked(shares)
      .slice(0, NAMED)
      .map((k) => `${classes[k]} ${probability(shares[k], 1)}`)
      .join(", ");
    setText(answer, covered ? t("With the square covered: {answer}", { answer: named }) : named);
    enable(whole, covered !== null);
    drawPicture();
    const none = el("p.quiet", {}, t("No layer of this network is known."));
    const drawn = way.layers.map((stage) => drawStage(stage, covered !== null));
    fill(stages, drawn.length ? drawn : none);
  }

  function drawPicture() {
    const pen = picture.getContext("2d");
    pen.drawImage(asked.picture, 0, 0);
    pen.fillStyle = "#7d7b72"; // the mean color of the training images
    if (covered) pen.fillRect(covered[1], covered[0], patch, patch);
    const label = covered
      ? t("the picture, covered from row {row}, column {column}", {
          ...{ row: covered[0] + 1, column: covered[1] + 1 },
        })
      : t("the picture, nothing is covered");
    picture.setAttribute("aria-label", label);
  }

  /** @param {Corner|null} next */
  function cover(next) {
    if (!asked || String(next) === String(covered)) return;
    covered = next;
    drawPicture();
    ask(next ? REST_MS : 0);
  }

  const inside = (/** @type {number} */ at) => Math.min(SIDE - patch, Math.max(0, Math.round(at)));

  /** @param {PointerEvent} event */
  function point(event) {
    const { left, top, width } = picture.getBoundingClientRect();
    const scale = SIDE / width;
    const at = (/** @type {number} */ pixels) => inside(pixels * scale - patch / 2);
    cover([at(event.clientY - top), at(event.clientX - left)]);
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const step = {
      ArrowUp: [-STEP, 0],
      ArrowDown: [STEP, 0],
      ArrowLeft: [0, -STEP],
      ArrowRight: [0, STEP],
    }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // the explorer would show another image
    const middle = (SIDE - patch) / 2;
    const [row, column] = covered ?? [middle - step[0], middle - step[1]];
    cover([inside(row + step[0]), inside(column + step[1])]);
  }

  return {
    node,
    /**
     * Show the way of a picture, once the part is open.
     * @param {string} key of model and picture
     * @param {{model: string, image: object}} question
     * @param {HTMLCanvasElement} canvas the picture, 32x32
     */
    show(key, question, canvas) {
      if (asked?.key === key) return;
      asked = { key, question, picture: canvas };
      covered = null;
      ask(0);
    },
    /** Follow no picture. */
    clear() {
      asked = null;
      latest.cancel();
      body.hidden = true;
      setText(status, "");
    },
  };
}

/** @param {Stage} stage @param {boolean} changed whether something is covered */
function drawStage({ title, size, count, channels, maps, change }, changed) {
  const bytes = bytesOf(maps);
  const cells = size * size;
  const captions = [t("mean"), ...channels.map((k) => t("channel {n}", { n: String(k) }))];
  const figures = captions.map((caption, k) =>
    figure(caption, bytes.subarray(k * cells, (k + 1) * cells), size),
  );
  if (changed) figures.push(figure(t("changed"), bytesOf(change), size));
  const words = parts("{layer}: {n} channels", { layer: el("b", {}, heard(title)), n: count });
  return el("div.layer-maps", {}, el("p", {}, words), figures);
}

/** @param {string} caption @param {Uint8Array} grays @param {number} size */
function figure(caption, grays, size) {
  const canvas = el("canvas", { role: "img", "aria-label": caption, width: size, height: size });
  const pixels = new ImageData(size, size);
  grays.forEach((gray, at) => pixels.data.set([gray, gray, gray, 255], 4 * at));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return el("figure", {}, canvas, el("figcaption", { "aria-hidden": "true" }, caption));
}
