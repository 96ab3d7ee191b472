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
  /** @type {ReturnType<typeof import('../explorer/like.js').createLike>|null} */
  let part = null;

  const open = (/** @type {number} */ index) => openMistakes(`?outcome=all&id=${index}`);

  async function draw() {
    if (!node.open || !asked) return;
    const mine = asked;
    const said = el("p.quiet", { role: "status" }, t("Loading the test images ..."));
    if (!part) fill(body, said);
    try {
      part ??= import("../explorer/like.js").then(({ createLike }) =>
        createLike({ pack, sheet, open }),
      );
      const like = await part;
      if (mine !== asked) return;
      fill(body, like.node);
      await like.show(mine.model, mine.nearest);
    } catch (error) {
      part = null; // it may be had the next time
      fill(body, el("p.problem", { role: "alert" }, error.message));
    }
  }

  return {
    node,
    /** @param {string} model @param {number[]} nearest test images; [] where none is known */
    show(model, nearest) {
      asked = nearest.length ? { model, nearest } : null;
      node.hidden = !asked;
      draw();
    },
  };
}
