/** Draw one image with all that is said about it, as a picture to keep. */

import { markOf } from "../shared/bars.js";
import { DRAWN } from "../shared/heat.js";
import { t } from "../shared/language.js";
import { rowsOf } from "./bars.js";

const WIDTH = 3 * DRAWN + 4 * 24;
const MARGIN = 24;
const INK = {
  text: "#1c1917",
  quiet: "#6b7280",
  said: "#c2410c",
  true: "#0f766e",
  track: "#f1f0ee",
  other: "#6b7280",
};
/** @typedef {keyof typeof INK} Ink */

const FONT = "system-ui, sans-serif";

/**
 * @param {object} card
 * @param {HTMLCanvasElement} card.image 32x32
 * @param {Array<{text: string, kind?: 'said'|'true'|'quiet'}>} card.lines
 * @param {string[]} card.classes
 * @param {import('./bars.js').Side[]} card.sides
 * @param {number} card.predicted
 * @param {number} card.label
 * @param {Array<{canvas: HTMLCanvasElement, words: string}>} card.heats
 * @param {string} card.foot
 * @returns {Promise<Blob>} a PNG, always on white: it leaves the page and its theme
 */
export async function drawCard({ image, lines, classes, sides, predicted, label, heats, foot }) {
  const rows = rowsOf(sides, predicted, label);
  const height = MARGIN + DRAWN + MARGIN + 36 + rows.length * 26 + MARGIN + 28;
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = height + 24 * Math.max(0, Math.ceil((lines.length - 6) / 2));
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  context.textBaseline = "top";
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {{size?: number, kind?: Ink, weight?: number, width?: number}} [how]
   */
  const write = (text, x, y, { size = 15, kind = "text", weight = 400, width = WIDTH } = {}) => {
    context.font = `${weight} ${size}px ${FONT}`;
    context.fillStyle = INK[kind];
    context.fillText(text, x, y, width);
  };

  context.drawImage(image, MARGIN, MARGIN, DRAWN, DRAWN);
  heats.forEach(({ canvas: heat, words }, k) => {
    const x = MARGIN + (k + 1) * (DRAWN + MARGIN);
    context.drawImage(heat, x, MARGIN, DRAWN, DRAWN);
    // What there is to say about an empty map takes two lines.
    const said = words.split(/(?<=:) |(?<=：)/);
    said.forEach((line, r) =>
      write(line, x, MARGIN + DRAWN + 5 + 15 * r, { size: 13, kind: "quiet", width: DRAWN }),
    );
  });
  let y = MARGIN + DRAWN + MARGIN + 16;
  for (const [k, { text, kind }] of lines.entries()) {
    write(text, MARGIN, y, { kind, weight: k === 0 ? 700 : 400, width: DRAWN + MARGIN });
    y += 24;
  }

  const left = MARGIN + DRAWN + MARGIN;
  const top = MARGIN + DRAWN + MARGIN + 16;
  const name = 96;
  const gap = 16;
  const span = (WIDTH - left - MARGIN - name) / sides.length;
  sides.forEach(({ title }, k) =>
    write(title, left + name + k * span, top, { size: 13, kind: "quiet", width: span - gap }),
  );
  rows.forEach((row, r) => {
    const at = top + 24 + r * 26;
    const mark = markOf(row, label, predicted);
    write(classes[row], left, at, { kind: mark || "text", width: name - 8 });
    sides.forEach(({ shares }, k) => {
      const x = left + name + k * span;
      const room = span - gap - 34;
      context.fillStyle = INK.track;
      context.fillRect(x, at + 4, room, 10);
      context.fillStyle = INK[mark || "other"];
      context.fillRect(x, at + 4, Math.max(1, room * shares[row]), 10);
      write(String(Math.round(100 * shares[row])), x + room + 6, at, { size: 13, kind: "quiet" });
    });
  });
  write(foot, MARGIN, canvas.height - 30, { size: 12, kind: "quiet", width: WIDTH - 2 * MARGIN });
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error(t("The picture could not be written.")))),
      "image/png",
    );
  });
}
