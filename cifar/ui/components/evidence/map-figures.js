/** The figures of the heat maps, with their captions and scales. */

import { el, fill, setText } from "../shared/dom.js";
import { DRAWN, peak } from "../shared/heat.js";
import { parts, t } from "../shared/language.js";
import { highestPlace, meaningOf, signed, writer } from "./units.js";

/** @typedef {ReturnType<typeof import('./reading.js').createReading>['watch']} Watch */

function createFigure(name, watch) {
  const canvas = el("canvas", { role: "img", tabindex: 0, width: DRAWN, height: DRAWN });
  const caption = el("figcaption");
  const frame = el("div.map-frame", {}, canvas, watch(canvas));
  const node = el("figure", { "data-map": name }, frame, caption);
  return { node, canvas, caption };
}

function createScale(colors, words) {
  const background = `linear-gradient(90deg, ${colors.join(", ")})`;
  return el(
    "div.scale-of-maps",
    { "aria-hidden": "true" },
    el("div.ramp", { style: { background } }),
    el("div.scale-ends", {}, words),
  );
}

/**
 * Make what follows the last class of a caption quiet.
 * @param {(string|HTMLElement)[]} caption of `parts`
 */
function quietened(caption) {
  const end = caption.findLastIndex((part) => typeof part !== "string") + 1;
  const rest = caption.slice(end);
  return [...caption.slice(0, end), rest.length > 0 && el("span.quiet", {}, rest)];
}

/** Make the figure of one heat map. @param {string} name @param {Watch} watch */
export function createMapFigure(name, watch) {
  const { node, canvas, caption } = createFigure(name, watch);
  return {
    node,
    canvas,
    caption,
    /**
     * @param {import('../shared/heat.js').HeatMap} map
     * @param {HTMLElement} className
     * @param {(value: number) => string} write
     */
    show(map, className, write) {
      const top = peak([map]);
      const name = className.textContent;
      if (top <= 0) {
        const words = parts("for {name}: nothing in the image speaks for it here", {
          name: className,
        });
        fill(caption, quietened(words));
        canvas.setAttribute("aria-label", t("heat map for {name}, empty", { name }));
        return;
      }
      const value = write(top);
      fill(caption, quietened(parts("for {name}, up to {value}", { name: className, value })));
      const place = highestPlace(map);
      const label = t("heat map for {name}, highest at the {place}", { name, place });
      canvas.setAttribute("aria-label", label);
    },
  };
}

/** Make the scale that all heat maps share. @param {string[]} colors */
export function createMapScale(colors) {
  const meaning = el("span");
  const high = el("span");
  const node = createScale(colors, [el("span", {}, "0"), meaning, high]);
  return {
    node,
    /** @param {string} unit @param {number} top end of the scale @param {number} maps on the scale */
    show(unit, top, maps) {
      const words = meaningOf(unit);
      setText(meaning, maps > 1 ? t("{meaning}, one scale", { meaning: words }) : words);
      setText(high, writer(unit, top)(top));
      node.hidden = top <= 0;
    },
  };
}

/** Make the figure that sets one class against another. @param {string[]} colors @param {Watch} watch */
export function createContrastFigure(colors, watch) {
  const { node, canvas, caption } = createFigure("contrast", watch);
  const ends = [el("span"), el("span")];
  const scale = createScale(colors, [ends[0], el("span", {}, "0"), ends[1]]);
  node.hidden = true;
  node.append(scale);
  return {
    node,
    canvas,
    /** @param {import('./layers.js').Layer} layer @param {string} unit @param {HTMLElement[]} names */
    show({ top, empty }, unit, [one, other]) {
      const write = writer(unit, top);
      const [first, second] = [one.textContent, other.textContent];
      const words = empty
        ? parts("{one} rather than {other}: both maps are the same", { one, other })
        : parts("{one} rather than {other}", { one, other });
      fill(caption, quietened(words));
      const label = t("contrast map, {one} rather than {other}", { one: first, other: second });
      canvas.setAttribute("aria-label", label);
      scale.hidden = empty;
      setText(ends[0], `${second} ${signed(-top, write)}`);
      setText(ends[1], `${signed(top, write)} ${first}`);
    },
  };
}
