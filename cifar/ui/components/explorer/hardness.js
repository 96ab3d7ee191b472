/** Whose mistakes these are: hard for people, for other networks, for both, or for this model alone. */

import { el } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { percent } from "../shared/words.js";
import { createQuarters } from "./quarters.js";

/** The slice whose groups these are: in a group's number, people count 2 and networks 1. */
export const HARD = "hard";

/**
 * @param {import('./pack.js').ImagesPack} images
 * @param {(patch: Partial<import('./view.js').View>) => void} change
 */
export function createHardness({ header }, change) {
  const { groups } = header.slices.find(({ key }) => key === HARD);
  const cells = groups.map((title) => ({ title }));
  /** @type {import('./view.js').View|null} */
  let view = null;
  const quarters = createQuarters(t("Mistakes by whom the image is hard for"), cells, (group) =>
    change(
      picked() === group ? { slice: null } : { slice: { key: HARD, group }, outcome: "wrong" },
    ),
  );
  const picked = () => (view?.slice?.key === HARD ? view.slice.group : -1);
  quarters.head({
    rows: [t("people say the label"), t("people doubt it")],
    columns: [t("networks are right"), t("networks miss it")],
  });
  return {
    node: el(
      "section",
      {},
      el("p.lead", {}, el("b", {}, t("Whose mistakes are these?"))),
      quarters.node,
      el(
        "p.quiet",
        {},
        t(
          "People say the label if at least 90% chose it. Networks are right if most of the thirty " +
            "published ones are.",
        ),
      ),
    ),
    /** @param {import('./explorer.js').State} state */
    update(state) {
      view = state.view;
      const { slices, mistakes } = state.model.header;
      const wrong = slices[HARD].map((group) => group.wrong);
      quarters.fill(
        wrong,
        wrong.map((n) => t("{share} of the mistakes", { share: percent(n / mistakes) })),
      );
      quarters.press(picked());
    },
  };
}
