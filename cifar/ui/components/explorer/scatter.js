/** The points of the map, drawn on a canvas. */

import { pointOf } from "./viewport.js";

/** The opacity of points outside the selection. */
const FADED = 0.13;
/** Smaller selections have larger points. */
const FEW = 2500;
/** Points this many pixels beyond the edge still reach into the plot. */
const OVERLAP = 9;

/**
 * @typedef {object} Scatter
 * @property {import('./viewport.js').Viewport} viewport
 * @property {number} side pixels along the plot's side
 * @property {Float32Array} points places, interleaved
 * @property {Uint16Array} fails 0 for each image of the selection
 * @property {Uint16Array} selection
 * @property {string[]} colors
 * @property {(i: number) => number} colorOf position of an image's color
 * @property {number} shown the image that gets a ring, or -1
 * @property {string} ring color
 * @property {Array<{name: string, x: number, y: number}>} names of groups, and their places
 * @property {string} ink color of the names
 * @property {string} paper color behind them
 */

/** @param {HTMLCanvasElement} canvas @param {Scatter} scatter */
export function drawScatter(canvas, scatter) {
  const ratio = window.devicePixelRatio || 1;
  const pixels = Math.round(scatter.side * ratio);
  // Setting a size, even the same again, makes the browser allocate a new canvas.
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, pixels, pixels);
  const { points, fails, colors, colorOf } = scatter;
  // Changing the color costs more than drawing a point: one sweep a color, faint points first.
  const [front, back] = [colors.map(() => []), colors.map(() => [])];
  for (let i = 0; i < points.length / 2; i++) (fails[i] ? back : front)[colorOf(i)].push(i);
  const growth = ratio * Math.min(2, scatter.viewport.scale ** 0.35);
  context.globalAlpha = FADED;
  drawDots(context, back, 2.2 * growth, scatter);
  context.globalAlpha = 0.9;
  drawDots(context, front, (scatter.selection.length < FEW ? 3.2 : 2.2) * growth, scatter);
  context.globalAlpha = 1;
  drawNames(context, ratio, scatter);
  if (scatter.shown >= 0 && points.length) drawRing(context, ratio, scatter);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[][]} groups points by color
 * @param {number} size of a point
 * @param {Scatter} scatter
 */
function drawDots(context, groups, size, { points, viewport, colors }) {
  const pixels = context.canvas.width;
  groups.forEach((group, k) => {
    context.fillStyle = colors[k];
    context.beginPath();
    for (const i of group) {
      const [x, y] = pointOf(viewport, points[2 * i], points[2 * i + 1], pixels);
      if (Math.min(x, y) < -OVERLAP || Math.max(x, y) > pixels + OVERLAP) continue;
      context.moveTo(x + size / 2, y);
      context.arc(x, y, size / 2, 0, 7);
    }
    context.fill();
  });
}

/** @param {CanvasRenderingContext2D} context @param {number} ratio @param {Scatter} scatter */
function drawNames(context, ratio, { viewport, names, ink, paper }) {
  const pixels = context.canvas.width;
  context.font = `600 ${13 * ratio}px sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4 * ratio;
  context.lineJoin = "round";
  context.strokeStyle = paper;
  context.fillStyle = ink;
  for (const { name, x, y } of names) {
    const [across, down] = pointOf(viewport, x, y, pixels);
    context.strokeText(name, across, down);
    context.fillText(name, across, down);
  }
}

function drawRing(context, ratio, { points, viewport, shown, ring }) {
  const pixels = context.canvas.width;
  const [x, y] = pointOf(viewport, points[2 * shown], points[2 * shown + 1], pixels);
  context.lineWidth = 2.5 * ratio;
  context.strokeStyle = ring;
  context.beginPath();
  context.arc(x, y, 7 * ratio, 0, 7);
  context.stroke();
}
