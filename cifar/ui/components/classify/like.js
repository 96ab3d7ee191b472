/** A part that opens to the test images most like the picture; only then are they fetched. */

import { el, fill } from "../shared/dom.js";
import { t } from "../shared/language.js";

/**
 * @param {Pick<import('./classify.js').Adapter, 'pack'|'sheet'|'openMistakes'>} adapter
 */
export function createLikePart({ pack, sheet, openMistakes }) {
  const body = el("div");
  const node = el(
    "details.card.like",
    { hidden: true, ontoggle: draw },
    el("summary", {}, el("h2", {}, t("Test images most like it"))),
    body,
  );
  /** @type {{model: string, nearest: number[]}|null} */
  let asked = null;
  /** What the part shows. @type {typeof asked} */
  let drawn = null;
  /** @type {ReturnType<typeof import('../explorer/like.js').createLike>|null} */
  let part = null;

  const open = (/** @type {number} */ index) => openMistakes(`?outcome=all&id=${index}`);

  async function draw() {
    if (!node.open || !asked || asked === drawn) return;
    const mine = asked;
    const wanted = () => mine === asked;
    if (!part) fill(body, el("p.quiet", { role: "status" }, t("Loading the test images ...")));
    try {
      part ??= import("../explorer/like.js").then(({ createLike }) =>
        createLike({ pack, sheet, open }),
      );
      const like = await part;
      const model = await like.modelOf(mine.model);
      if (!wanted()) return;
      fill(body, like.node);
      like.show(model, mine.nearest);
      drawn = mine;
    } catch (error) {
      part = null; // it may be had the next time
      if (wanted()) fill(body, el("p.problem", { role: "alert" }, error.message));
    }
  }

  return {
    node,
    /** @param {string} model @param {number[]} nearest test images; [] where none is known */
    show(model, nearest) {
      node.classList.remove("old");
      node.hidden = !nearest.length;
      const same = asked?.model === model && String(asked.nearest) === String(nearest);
      if (!same) asked = nearest.length ? { model, nearest } : null;
      draw();
    },
    /** What is shown is about another picture. */
    wait: () => node.classList.add("old"),
  };
}
