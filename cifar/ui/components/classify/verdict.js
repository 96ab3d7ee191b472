/** Say beside the picture, as a headline, what the network says of it, and how sure it is. */

import { el, fill, setText } from "../shared/dom.js";
import { SPACE, heard, t } from "../shared/language.js";
import { headline, introduction, peopleSay } from "./headline.js";

/** @param {string[]} names of the classes, in English */
export function createVerdict(names) {
  const title = el("h2.headline");
  const notices = el("ul.notices");
  const lead = el("p.lead");
  const status = el("p.status", { role: "status" });
  const node = el("div.verdict", { "aria-live": "polite" }, title, notices, lead, status);

  return {
    node,
    /** Hide what was said of another picture: only its place is kept. */
    wait() {
      node.classList.add("old");
      setText(status, t("looking ..."));
    },
    /**
     * @param {import('./answer.js').Said} said
     * @param {import('./examples.js').Example|null} example
     * @param {Parameters<typeof introduction>[0]} facts
     */
    show(said, example, facts) {
      node.classList.remove("old");
      setText(status, "");
      fill(
        title,
        headline(names, said, example).map(({ text, mark }) =>
          mark ? el(`span.${mark}`, {}, text) : text,
        ),
      );
      fill(
        notices,
        said.notices.map(({ kind, title: name, text }) =>
          el(`li.${kind}`, {}, el("span.badge", {}, el("i.dot"), heard(name)), " ", heard(text)),
        ),
      );
      const sentences = [peopleSay(names, said, example?.votes), heard(example?.note ?? "")];
      setText(lead, [...sentences, introduction(facts)].filter(Boolean).join(SPACE));
    },
    /** Say why no answer has come. @param {string} message @param {() => void} [again] */
    fail(message, again) {
      if (!node.classList.contains("old")) return;
      const retry = again && [" ", el("button.link", { onclick: again }, t("try again"))];
      fill(status, message, retry);
    },
  };
}
