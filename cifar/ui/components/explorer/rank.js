/** Where a model stands among the published networks, by accuracy. */

import { drawing, el, fill } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { percent } from "../shared/words.js";

const WIDTH = 300;
const HEIGHT = 26;
const MARGIN = 8;

/** @param {Array<{title: string, accuracy: number}>} networks the least accurate first */
export function createRank(networks) {
  const low = networks[0].accuracy;
  const node = el("figure.rank");

  return {
    node,
    /** @param {{title: string, accuracy: {value: number}}} header of the model */
    show({ title, accuracy: { value } }) {
      const high = Math.max(value, networks.at(-1).accuracy);
      /** @param {number} accuracy */
      const x = (accuracy) => MARGIN + ((WIDTH - 2 * MARGIN) * (accuracy - low)) / (high - low);
      /** @param {string} name @param {number} at @param {string} kind @param {number} r */
      const dot = (name, at, kind, r) =>
        drawing(
          "circle",
          { class: kind, cx: x(at).toFixed(1), cy: HEIGHT / 2, r },
          drawing("title", {}, `${name}, ${percent(at, 1)}`),
        );
      const worse = networks.filter(({ accuracy }) => accuracy < value).length;
      fill(
        node,
        drawing(
          "svg",
          { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
          drawing("path", { d: `M${MARGIN} ${HEIGHT / 2}H${WIDTH - MARGIN}` }),
          networks.map((network) => dot(network.title, network.accuracy, "other", 4)),
          dot(title, value, "shown", 6),
        ),
        el(
          "figcaption.ends",
          {},
          el("span", {}, percent(low, 1)),
          el("span", {}, percent(high, 1)),
        ),
        el(
          "p",
          {},
          t("{model} is more accurate than {n} of {all} published networks.", {
            ...{ model: title, n: worse, all: networks.length },
          }),
        ),
      );
    },
  };
}
