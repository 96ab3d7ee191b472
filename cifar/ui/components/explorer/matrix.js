/**
 * The confusion matrix as a control: each cell, row and column is a button that filters.
 */

import { choice, el, fill, setStyle, setText } from "../shared/dom.js";
import { count, percent } from "../shared/words.js";
import { confusion } from "./select.js";
import { ANY } from "./view.js";

/** Steps of the colour scale; `explorer.css` says which carry light text. */
const LEVELS = 10;

const SCALES = [
  { value: "count", text: "count" },
  { value: "row", text: "row %" },
  { value: "column", text: "column %" },
];

/**
 * @param {string[]} classes
 * @param {(patch: Partial<import('./view.js').View>) => void} change
 */
export function createMatrix(classes, change) {
  const size = classes.length;
  let scale = "count";
  let counts = new Uint32Array(size * size);
  let data = null;

  const heads = classes.map((_, at) => el("button.head", { "data-row": 0, "data-column": at + 1 }));
  const sides = classes.map((_, at) => el("button.side", { "data-row": at + 1, "data-column": 0 }));
  const cells = Array.from({ length: size * size }, (_, at) =>
    el("button.cell", {
      "data-row": Math.floor(at / size) + 1,
      "data-column": (at % size) + 1,
    }),
  );
  const recalls = classes.map(() => el("td.rate"));
  const precisions = classes.map(() => el("td.rate"));
  const table = el(
    "table.confusion",
    {},
    el("caption.unseen", {}, "Confusion matrix: rows are the labels, columns what the model saw"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th.corner", { scope: "col" }, el("span", {}, "true ↓"), el("span", {}, "seen as →")),
        classes.map((name, at) => {
          fill(heads[at], el("span", {}, name));
          return el("th", { scope: "col" }, heads[at]);
        }),
        el("th.rate", { scope: "col" }, el("span", {}, "recall")),
      ),
    ),
    el(
      "tbody",
      {},
      classes.map((name, row) => {
        fill(sides[row], name);
        return el(
          "tr",
          {},
          el("th", { scope: "row" }, sides[row]),
          cells.slice(row * size, (row + 1) * size).map((cell) => el("td", {}, cell)),
          recalls[row],
        );
      }),
    ),
    el(
      "tfoot",
      {},
      el("tr", {}, el("th.rate", { scope: "row" }, "precision"), precisions, el("td")),
    ),
  );

  const scales = choice("Colour and numbers", SCALES, (value) => {
    scale = value;
    draw();
  });
  const ticks = [el("span"), el("span"), el("span")];
  const legend = el(
    "div.legend",
    { "aria-hidden": "true" },
    el(
      "div.steps",
      {},
      Array.from({ length: LEVELS }, (_, k) => step(el("span"), k + 1)),
    ),
    el("div.ends", {}, ticks),
  );
  const mirror = el("p.mirror", { "aria-live": "polite" });
  const node = el(
    "div.matrix",
    {},
    el(
      "p.lead",
      {},
      el("b", {}, "Confusion matrix"),
      " of all test images. Pick a cell, row or column.",
    ),
    table,
    el("div.under", {}, scales.node, legend),
    mirror,
  );

  // One tab stop for the whole matrix; arrows move within it.
  const buttons = [...heads, ...sides, ...cells];
  let stop = cells[0];
  /** The words of the comparison that is offered, if any. */
  let offered = "";
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
  const at = (row, column) => {
    if (row === 0) return heads[column - 1];
    return column === 0 ? sides[row - 1] : cells[(row - 1) * size + column - 1];
  };
  function moveTo(button) {
    if (!button) return;
    stop.tabIndex = -1;
    stop = button;
    stop.tabIndex = 0;
  }
  table.addEventListener("focusin", ({ target }) => moveTo(target.closest("button")));
  table.addEventListener("keydown", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const row = +button.dataset.row;
    const column = +button.dataset.column;
    const far = event.ctrlKey || event.metaKey;
    const next = {
      ArrowLeft: () => at(row, Math.max(row ? 0 : 1, column - 1)),
      ArrowRight: () => at(row, Math.min(size, column + 1)),
      ArrowUp: () => at(Math.max(column ? 0 : 1, row - 1), column),
      ArrowDown: () => at(Math.min(size, row + 1), column),
      Home: () => at(far ? 1 : row, row || far ? 0 : 1),
      End: () => at(far ? size : row, size),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    moveTo(next());
    stop.focus();
  });

  table.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) pick(+button.dataset.row - 1, +button.dataset.column - 1);
  });

  /** Row -1 is a column's head, column -1 a row's; what is picked already is let go. */
  function pick(row, column) {
    const { view } = data;
    const picked = view.true === row && view.predicted === column;
    if (picked) change({ true: ANY, predicted: ANY, outcome: "wrong" });
    else if (row === column) change({ true: row, predicted: column, outcome: "right" });
    else if (row !== ANY && column !== ANY)
      change({ true: row, predicted: column, outcome: "wrong" });
    // A whole row or column is asked for its mistakes, unless the right ones were being shown too.
    else
      change({ true: row, predicted: column, outcome: view.outcome === "all" ? "all" : "wrong" });
  }

  function draw() {
    scales.set(scale);
    const rows = new Uint32Array(size);
    const columns = new Uint32Array(size);
    counts.forEach((n, k) => {
      rows[Math.floor(k / size)] += n;
      columns[k % size] += n;
    });
    const value = (k) => {
      if (scale === "row") return counts[k] / (rows[Math.floor(k / size)] || 1);
      return scale === "column" ? counts[k] / (columns[k % size] || 1) : counts[k];
    };
    let most = 0;
    for (let k = 0; k < counts.length; k++) {
      if (k % (size + 1)) most = Math.max(most, value(k));
    }
    const short = (v) =>
      scale === "count" ? count(Math.round(v)) : (100 * v).toFixed(v < 0.0995 ? 1 : 0);
    cells.forEach((cell, k) => {
      const row = Math.floor(k / size);
      const column = k % size;
      const right = row === column;
      setText(cell, counts[k] ? short(value(k)) : "");
      cell.classList.toggle("right", right);
      cell.classList.toggle("none", !counts[k]);
      // Roots, because a few pairs of classes hold most of the mistakes.
      step(
        cell,
        right || !counts[k] ? 0 : Math.max(1, Math.ceil(LEVELS * Math.sqrt(value(k) / most))),
      );
      const name = right
        ? `${classes[row]} recognised: ${count(counts[k])}`
        : `${classes[row]} predicted as ${classes[column]}: ${count(counts[k])}`;
      cell.setAttribute("aria-label", name);
      cell.title = name;
    });
    classes.forEach((name, k) => {
      const right = counts[k * size + k];
      setText(recalls[k], rows[k] ? percent(right / rows[k], 1).slice(0, -1) : "");
      setText(precisions[k], columns[k] ? percent(right / columns[k], 1).slice(0, -1) : "");
      const recall = `${name}, row: ${count(rows[k] - right)} of ${count(rows[k])} missed, recall ${recalls[k].textContent}%`;
      const precision = `seen as ${name}, column: ${count(columns[k] - right)} of ${count(columns[k])} wrongly, precision ${precisions[k].textContent}%`;
      label(sides[k], recall);
      label(heads[k], precision);
    });
    const unit = scale === "count" ? "" : "%";
    // A quarter of the most is where the middle of a scale of roots lies.
    setText(ticks[0], `0${unit}`);
    setText(ticks[1], `${short(most / 4)}${unit}`);
    setText(ticks[2], `${short(most)}${unit}${scale === "count" ? " mistakes" : ""}`);
    mark();
  }

  function mark() {
    const { view } = data;
    const pair = view.true !== ANY && view.predicted !== ANY && view.true !== view.predicted;
    const other = pair ? view.predicted * size + view.true : -1;
    cells.forEach((cell, k) => {
      const picked = view.true === Math.floor(k / size) && view.predicted === k % size;
      cell.setAttribute("aria-pressed", picked);
      cell.classList.toggle("mirrored", k === other);
    });
    classes.forEach((_, k) => {
      sides[k].setAttribute("aria-pressed", view.true === k && view.predicted === ANY);
      heads[k].setAttribute("aria-pressed", view.predicted === k && view.true === ANY);
    });
    const words =
      other < 0
        ? ""
        : `${classes[view.predicted]} seen as ${classes[view.true]} (${count(counts[other])})`;
    if (words === offered) return; // drawn anew, screen readers would say it again
    offered = words;
    fill(
      mirror,
      words && [
        "compare with ",
        el("button.link", { onclick: () => pick(view.predicted, view.true) }, words),
      ],
    );
  }

  return {
    node,
    /** @param {import('./explorer.js').State} state */
    update(state) {
      const sameModel = data?.model === state.model;
      data = state;
      if (sameModel) return mark();
      counts = confusion(state.images.columns.label, state.model.columns.predicted, size);
      draw();
    },
  };
}

function label(button, text) {
  button.setAttribute("aria-label", text);
  button.title = text;
}

/** Give an element a step of the colour scale, 0 to LEVELS. */
function step(node, level) {
  node.dataset.heat = level;
  setStyle(node, { "--heat": `${(100 * level) / LEVELS}%` });
  return node;
}
