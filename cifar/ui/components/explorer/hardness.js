/** Whose mistakes these are: hard for people, for other networks, for both, or for this model alone. */

import { el } from "../shared/dom.js";
import { t } from "../shared/language.js";
import { createQuarters } from "./quarters.js";

/** The slice whose groups these are: in a group's number, people count 2 and networks 1. */
const KEY = "hard";

/** @param {(patch: Partial<import('./view.js').View>) => void} change */
export function createHardness(change) {
  const cells = [
    { title: t("this model's own") },
    { title: t("hard for networks") },
    { title: t("hard for people") },
    { title: t("hard for both") },
  ];
  /** @type {import('./view.js').View|null} */
  let view = null;
  const quarters = createQuarters(t("Mistakes by whom the image is hard for"), cells, (group) =>
    change(picked() === group ? { slice: null } : { slice: { key: KEY, group }, outcome: "wrong" }),
  );
  const picked = () => (view?.slice?.key === KEY ? view.slice.group : -1);
  quarters.head({
    rows: [t("people say the label"), t("people doubt it")],
    columns: [t("networks are right"), t("networks miss it")],
  });
  return {
    node: el("section", {}, el("h3", {}, t("Whose mistakes are these?")), quarters.node),
    /** @param {import('./explorer.js').State} state */
    update(state) {
      view = state.view;
      quarters.fill(
        state.model.header.slices[KEY].map(({ wrong }) => wrong),
        [
          t("at least 90% of people chose the label, and most of thirty networks are right"),
          t("at least 90% of people chose the label, and at least half of the networks miss it"),
          t("fewer people chose the label, and most of the networks are right"),
          t("fewer people chose the label, and at least half of the networks miss it"),
        ],
      );
      quarters.press(picked());
    },
  };
}
