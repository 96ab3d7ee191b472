/** How many of thirty published networks miss an image, and what each says. */

import { el, fill, setText } from "../shared/dom.js";
import { plural, t } from "../shared/language.js";
import { percent } from "../shared/words.js";

/**
 * Return what each network says, the least accurate first.
 * @param {import('./pack.js').Pack} images
 * @param {number} index
 */
export function answersOf({ header: { networks }, columns: { networks: said } }, index) {
  return said.subarray(index * networks.length, (index + 1) * networks.length);
}

/**
 * Say how many networks miss an image, and what most of those say.
 * @param {import('./pack.js').Pack} images
 * @param {{index: number, label: number}} record
 */
export function difficultyInWords(images, { index, label }) {
  const { classes } = images.header;
  const said = answersOf(images, index);
  const missing = Array.from(said).filter((k) => k !== label);
  if (!missing.length)
    return t("None of {all} published networks misses it.", { all: said.length });
  const times = classes.map((_, k) => missing.filter((one) => one === k).length);
  const name = classes[times.indexOf(Math.max(...times))];
  return plural(
    missing.length,
    "{n} of {all} published networks misses it: it says {name}.",
    "{n} of {all} published networks miss it; most of those say {name}.",
    { all: said.length, name },
  );
}

/** @param {import('./pack.js').Pack} images */
export function createDifficulty(images) {
  const { classes, networks } = images.header;
  const sentence = el("p");
  const strip = el("div.networks", { "aria-hidden": "true" });
  const ends = el(
    "div.ends",
    { "aria-hidden": "true" },
    [networks.at(0), networks.at(-1)].map(({ accuracy }) => el("span", {}, percent(accuracy, 1))),
  );
  return {
    node: el("div.difficulty", {}, sentence, strip, ends),
    /** @param {import('./record.js').ImageRecord} record */
    show(record) {
      setText(sentence, difficultyInWords(images, record));
      const said = answersOf(images, record.index);
      fill(
        strip,
        networks.map(({ title, accuracy }, at) => {
          const k = said[at];
          let mark = "other";
          if (k === record.label) mark = "true";
          else if (k === record.predicted) mark = "said";
          return el(`i.${mark}`, { title: `${title}, ${percent(accuracy, 1)}: ${classes[k]}` });
        }),
      );
    },
  };
}
