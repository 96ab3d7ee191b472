/** Show all looks at a picture, with what the network says of each; one is chosen to be explained. */

import { el, fill, findAll, setAria, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";

/**
 * @param {string[]} classes
 * @param {(k: number) => void} choose
 */
export function createLooks(classes, choose) {
  const strip = el("div.look-strip", { role: "group", "aria-label": t("Looks at the picture") });
  const agreed = el("p.quiet");
  const node = el("div.looks", { hidden: true }, strip, agreed);
  const buttons = () => findAll(strip, "button", HTMLButtonElement).entries();

  /** @param {HTMLCanvasElement} view @param {number} k */
  const lookButton = (view, k) =>
    el(
      "button",
      { onclick: () => choose(k) },
      el("img.pixels", { src: view.toDataURL(), alt: "", draggable: "false" }),
      el("span"),
    );

  return {
    node,
    /** Show the looks before there is an answer; one alone needs no choice. @param {HTMLCanvasElement[]} all */
    see(all) {
      node.hidden = all.length < 2;
      fill(strip, node.hidden ? [] : all.map(lookButton));
    },
    /** Show which look is explained. @param {number} chosen */
    mark(chosen) {
      for (const [k, button] of buttons()) setAria(button, "pressed", k === chosen);
    },
    /**
     * Write below each look what it says, and how many say what the answer is.
     * @param {Pick<import('./answer.js').Said, 'looks'|'predicted'>} answer
     */
    show({ looks, predicted }) {
      const all = looks.flat();
      const n = all.filter((k) => k === predicted).length;
      const name = classes[predicted];
      setText(agreed, t("{n} of {all} looks say {name}.", { n, all: all.length, name }));
      for (const [k, button] of buttons()) {
        const [plain, mirrored] = looks[k].map((said) => classes[said]);
        const same = plain === mirrored;
        const both = same ? plain : t("{plain}, {mirrored} mirrored", { plain, mirrored });
        const about = t("look {k}: {both}; show its heat map", { k: k + 1, both });
        button.setAttribute("aria-label", about);
        button.title = both;
        setText(button.querySelector("span"), same ? plain : `${plain}/${mirrored}`);
      }
    },
  };
}
