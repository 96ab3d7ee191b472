/** The table of the confusion matrix: every cell, row and column is a button. */

import { el, fill, setAria, setStyle, setText, within } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { createTabStop } from "../shared/tab-stop.js";
import { decimal } from "../shared/words.js";
import { ANY } from "./view.js";

/** Steps of the color scale; `explorer.css` says which have light text. */
export const LEVELS = 10;

/** Give an element a step of the color scale, 0 to LEVELS. */
export function setLevel(node, level) {
  node.dataset.heat = String(level);
  setStyle(node, { "--heat": `${(100 * level) / LEVELS}%` });
  return node;
}

/**
 * @param {string[]} classes
 * @param {(row: number, column: number) => void} pick a cell; ANY stands for a whole row or column
 */
export function createMatrixTable(classes, pick) {
  const size = classes.length;
  const button = (tag, row, column, ...words) =>
    el(`button.${tag}`, { "data-row": row, "data-column": column }, ...words);
  const heads = classes.map((name, k) => button("head", 0, k + 1, el("span", {}, name)));
  const sides = classes.map((name, k) => button("side", k + 1, 0, name));
  const cells = Array.from({ length: size * size }, (_, k) =>
    button("cell", Math.floor(k / size) + 1, (k % size) + 1),
  );
  const recalls = classes.map(() => el("td.rate"));
  const precisions = classes.map(() => el("td.rate"));
  const corner = [el("span", {}, t("true ↓")), el("span", {}, t("seen as →"))];
  const node = el(
    "table.confusion",
    {},
    el(
      "caption.unseen",
      {},
      t("Confusion matrix: rows are the labels, columns what the model saw"),
    ),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th.corner", { scope: "col" }, corner),
        heads.map((head) => el("th", { scope: "col" }, head)),
        el("th.rate", { scope: "col" }, el("span", {}, t("recall"))),
      ),
    ),
    el(
      "tbody",
      {},
      sides.map((side, row) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, side),
          cells.slice(row * size, (row + 1) * size).map((cell) => el("td", {}, cell)),
          recalls[row],
        ),
      ),
    ),
    el(
      "tfoot",
      {},
      el("tr", {}, el("th.rate", { scope: "row" }, t("precision")), precisions, el("td")),
    ),
  );
  moveByKeys(node, [...heads, ...sides, ...cells], size);
  node.addEventListener("click", (event) => {
    const picked = within(event, "button");
    if (picked) pick(+picked.dataset.row - 1, +picked.dataset.column - 1);
  });

  function drawCell(cell, k, n, { values, most, write }) {
    const [label, predicted] = [Math.floor(k / size), k % size];
    const correct = label === predicted;
    setText(cell, n ? write(values[k]) : "");
    cell.classList.toggle("right", correct);
    cell.classList.toggle("none", !n);
    // Square roots, because a few pairs of classes hold most of the mistakes.
    const level = Math.max(1, Math.ceil(LEVELS * Math.sqrt(values[k] / most)));
    setLevel(cell, correct || !n ? 0 : level);
    const said = { label: classes[label], predicted: classes[predicted], n };
    setTitle(
      cell,
      correct
        ? t("{label} recognised: {n}", said)
        : t("{label} predicted as {predicted}: {n}", said),
    );
  }

  function drawRates(k, correct, row, column) {
    const [recall, precision] = [rate(correct, row), rate(correct, column)];
    setText(recalls[k], recall);
    const [whole, decimals] = [precision.slice(0, -2), precision.slice(-2)];
    fill(precisions[k], whole, decimals && el("span.decimals", {}, decimals));
    const ofRow = { label: classes[k], missed: row - correct, all: row, recall };
    setTitle(sides[k], t("{label}, row: {missed} of {all} missed, recall {recall}%", ofRow));
    const ofColumn = { predicted: classes[k], wrong: column - correct, all: column, precision };
    setTitle(
      heads[k],
      t("seen as {predicted}, column: {wrong} of {all} wrongly, precision {precision}%", ofColumn),
    );
  }

  return {
    node,
    /** @param {Uint32Array} counts @param {import('./matrix.js').MatrixValues} scaled */
    draw(counts, scaled) {
      cells.forEach((cell, k) => drawCell(cell, k, counts[k], scaled));
      const { rows, columns } = scaled;
      classes.forEach((_, k) => drawRates(k, counts[k * size + k], rows[k], columns[k]));
    },
    /** Mark what a view has picked, and the cell with both classes swapped, or -1. */
    mark(view, mirrored) {
      const press = (button, row, column) => {
        const picked = view.true === row && view.predicted === column;
        setAria(button, "pressed", picked);
      };
      cells.forEach((cell, k) => {
        press(cell, Math.floor(k / size), k % size);
        cell.classList.toggle("mirrored", k === mirrored);
      });
      sides.forEach((side, k) => press(side, k, ANY));
      heads.forEach((head, k) => press(head, ANY, k));
    },
  };
}

/** Write a share in percent without the sign; '' where there is nothing to divide by. */
const rate = (n, of) => (of ? decimal(100 * (n / of), 1) : "");

function setTitle(button, text) {
  button.setAttribute("aria-label", text);
  button.title = text;
}

/**
 * Let arrow keys move the focus within the table, which has one tab stop. The buttons are the heads
 * of the columns, those of the rows, and the cells.
 */
function moveByKeys(table, buttons, size) {
  const position = (row, column) => {
    if (row === 0) return column - 1;
    return size + (column === 0 ? row - 1 : size + (row - 1) * size + column - 1);
  };
  const stop = createTabStop(buttons, position(1, 1));
  const indexOf = (event) => buttons.indexOf(within(event, "button"));
  table.addEventListener("focusin", (event) => stop.moveTo(indexOf(event)));
  table.addEventListener("keydown", (event) => {
    const button = buttons[indexOf(event)];
    if (!button) return;
    const [row, column] = [+button.dataset.row, +button.dataset.column];
    const far = event.ctrlKey || event.metaKey;
    const next = {
      ArrowLeft: [row, Math.max(row ? 0 : 1, column - 1)],
      ArrowRight: [row, Math.min(size, column + 1)],
      ArrowUp: [Math.max(column ? 0 : 1, row - 1), column],
      ArrowDown: [Math.min(size, row + 1), column],
      Home: [far ? 1 : row, row || far ? 0 : 1],
      End: [far ? size : row, size],
    }[event.key];
    if (!next) return;
    event.preventDefault();
    stop.moveTo(position(next[0], next[1]));
    stop.focus();
  });
}
