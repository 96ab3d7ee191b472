/** Show a picture with a square on it that pointer, touch and keyboard move and resize. */

import { el, setStyle, setText, within } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { percent } from "../shared/words.js";
import { boxOf, centered, inMiddle, moved, pulled, resized, shares } from "./box.js";

/** Steps of a key, as shares of the picture's short side. */
const MOVE = 0.02;
const RESIZE = 0.04;
/** A drag ends with the pointer; a key may be followed by the next. */
const REST_MS = 350;
/** Pictures smaller than this are shown as the pixels they are. */
const TINY = 100;

const CORNERS = [
  { name: "nw", east: false, south: false },
  { name: "ne", east: true, south: false },
  { name: "sw", east: false, south: true },
  { name: "se", east: true, south: true },
];

/**
 * Take a box as shares of the picture, null for the center; settled once it rests.
 * @typedef {(box: import('./box.js').Shares|null, settled: boolean) => void} BoxChange
 */

/** Say where the box is. @param {import('./box.js').Box} box @param {import('./box.js').Size} size */
const placeOf = ({ side, x, y }, { width, height }) =>
  t("{side} of the short side, {left} from the left, {top} from the top", {
    side: percent(side / Math.min(width, height)),
    left: percent(x / width),
    top: percent(y / height),
  });

/** @param {{change: BoxChange}} actions */
export function createCrop({ change }) {
  const image = el("img", { alt: "", draggable: "false" });
  const place = el("span.unseen", { role: "status" });
  const square = el(
    "div.box",
    {
      tabindex: 0,
      role: "group",
      "aria-roledescription": t("crop box"),
      "aria-label": t(
        "what is cut out: arrow keys move it, plus and minus or shift with arrows resize it",
      ),
      onpointerdown: grab,
      onkeydown: onKey,
      ondblclick: () => reset(),
    },
    CORNERS.map(({ name }) => el(`span.corner.${name}`, { "data-corner": name })),
  );
  const node = el("div.frame", {}, image, square, place);

  let size = { width: 1, height: 1 };
  let box = centered(size);
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;

  function draw() {
    const { width, height } = size;
    setStyle(square, {
      left: `${(100 * box.x) / width}%`,
      top: `${(100 * box.y) / height}%`,
      width: `${(100 * box.side) / width}%`,
      height: `${(100 * box.side) / height}%`,
      // Where the box fills the picture from side to side, a finger on it still scrolls the page.
      "touch-action":
        box.side < Math.min(width, height)
          ? "none"
          : width > height
            ? "pan-y"
            : width < height
              ? "pan-x"
              : "auto",
    });
  }

  const isCentered = () => {
    const middle = centered(size);
    return box.x === middle.x && box.y === middle.y && box.side === middle.side;
  };

  /** @param {import('./box.js').Box} next @param {boolean} settled */
  function put(next, settled) {
    const same = next.x === box.x && next.y === box.y && next.side === box.side;
    if (same && !settled) return;
    box = next;
    draw();
    change(isCentered() ? null : shares(box, size), settled);
  }

  function settleSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      put(box, true);
      setText(place, placeOf(box, size));
    }, REST_MS);
  }

  /** Return a pointer's place in pixels of the picture. @param {PointerEvent} event */
  function at(event) {
    const { left, top, width, height } = node.getBoundingClientRect();
    return {
      x: ((event.clientX - left) / width) * size.width,
      y: ((event.clientY - top) / height) * size.height,
    };
  }

  /** @param {PointerEvent} event */
  function grab(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    const [start, before] = [at(event), box];
    const held = within(event, "span");
    // The corners of a small box meet in its middle, which moves it all the same.
    const corner = inMiddle(box, start)
      ? undefined
      : CORNERS.find(({ name }) => name === held?.dataset.corner);
    let dragged = false;
    square.setPointerCapture(event.pointerId);
    square.classList.add("held");
    /** @param {PointerEvent} now */
    const move = (now) => {
      if (now.pointerId !== event.pointerId) return;
      const to = at(now);
      dragged = true;
      put(
        corner
          ? pulled(before, corner, to, size)
          : moved(before, to.x - start.x, to.y - start.y, size),
        false,
      );
    };
    /** @param {PointerEvent} now */
    const end = (now) => {
      if (now.pointerId !== event.pointerId) return;
      square.removeEventListener("pointermove", move);
      square.removeEventListener("pointerup", end);
      square.removeEventListener("pointercancel", end);
      square.classList.remove("held");
      if (dragged) put(box, true);
    };
    square.addEventListener("pointermove", move);
    square.addEventListener("pointerup", end);
    square.addEventListener("pointercancel", end);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const short = Math.min(size.width, size.height);
    const step = Math.max(1, Math.round(MOVE * short));
    const growth = Math.max(2, Math.round(RESIZE * short));
    const [dx, dy] = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key] ?? [0, 0];
    const larger = { "+": 1, "=": 1, "-": -1, _: -1 }[event.key];
    if (larger) put(resized(box, larger * growth, size), false);
    else if (!dx && !dy) return;
    else if (event.shiftKey) put(resized(box, (dx - dy) * growth, size), false);
    else put(moved(box, dx * step, dy * step, size), false);
    event.preventDefault();
    settleSoon();
  }

  function reset() {
    clearTimeout(timer);
    put(centered(size), true);
  }

  square.hidden = true;

  return {
    node,
    /**
     * Show another picture.
     * @param {{src: string, width: number, height: number}} picture
     * @param {string} alt
     * @param {import('./box.js').Shares|null} cut null for a box in the centre
     */
    show(picture, alt, cut) {
      clearTimeout(timer);
      size = { width: picture.width, height: picture.height };
      box = cut ? boxOf(cut, size) : centered(size);
      image.src = picture.src;
      image.alt = alt;
      image.classList.toggle("pixels", Math.max(size.width, size.height) < TINY);
      setStyle(node, { "--wide": size.width / size.height });
      draw();
    },
    /** Show the box, or the whole picture without one. @param {boolean} on */
    enable(on) {
      square.hidden = !on;
    },
    /** Put the box back without calling `change`. */
    centre() {
      clearTimeout(timer);
      box = centered(size);
      draw();
    },
  };
}
