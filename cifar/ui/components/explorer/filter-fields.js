/** The fields of the filters that take numbers: ranges, and a test index. */

import { el, setNumber, setText } from "../shared/dom.js";
import { t } from "../shared/language.js";

/** How long a number must rest before its image is shown. */
const REST_MS = 500;

/** @param {Object<string, any>} props */
const numberField = (props) => el("input", { type: "number", step: 1, ...props });

/**
 * Make two fields for the ends of a range.
 * @param {{title: string, from: string, to: string}} words
 * @param {number} end of the highest range
 * @param {(low: number, high: number) => void} change
 */
export function createRange({ title, from, to }, end, change) {
  const low = numberField({ min: 0, max: end, "aria-label": from });
  const high = numberField({ min: 0, max: end, "aria-label": to });
  const lowest = () => bounded(low, 0, end);
  const highest = () => bounded(high, end, end);
  // The end that was typed stays; the other end gives way.
  low.addEventListener("change", () => change(lowest(), Math.max(lowest(), highest())));
  high.addEventListener("change", () => change(Math.min(lowest(), highest()), highest()));
  const range = el("span.range", {}, low, "–", high);
  return {
    node: el("div.field", {}, el("span", {}, title), range),
    /** @param {number} from @param {number} to */
    update(from, to) {
      setNumber(low, from);
      setNumber(high, to);
    },
  };
}

/** Return the whole number in a field, from 0 to an end, or a default where there is none. */
function bounded(input, otherwise, end) {
  const value = Math.round(Number(input.value));
  if (input.value.trim() === "" || Number.isNaN(value)) return otherwise;
  return Math.min(end, Math.max(0, value));
}

/**
 * Make the field that shows the image of a test index, even one that the filters leave out.
 * @param {number} count of images
 * @param {(index: number) => void} pick
 */
export function createFinder(count, pick) {
  const problem = el("p.problem", { role: "status" });
  const input = numberField({ min: 0, max: count - 1, placeholder: t("e.g. 7400") });
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const find = () => {
    clearTimeout(timer);
    const index = Number(input.value);
    const exists =
      input.value.trim() !== "" && Number.isInteger(index) && index >= 0 && index < count;
    setText(
      problem,
      exists ? "" : t("Test indices run from 0 to {last}.", { last: String(count - 1) }),
    );
    if (exists) pick(index);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (input.value.trim() !== "") timer = setTimeout(find, REST_MS);
    else setText(problem, "");
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    find();
  });
  return { node: el("label.field", {}, el("span", {}, t("find test image")), input), problem };
}
