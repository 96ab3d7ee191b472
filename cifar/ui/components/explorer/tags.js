/**
 * What a person says about an image, kept in this browser by test index.
 */

export const TAGS = ["label wrong", "ambiguous", "model's fault", "interesting"];
const KEY = "cifar-lens:tags";

/** @returns {{of(index: number): string[], set(index: number, tag: string, on: boolean): void, all(): Object<string, string[]>, refresh(): void}} */
export function createTags() {
  let tags = read() ?? {};
  /** Another tab of the browser may have written meanwhile. */
  const refresh = () => (tags = read() ?? tags);
  return {
    refresh,
    of: (index) => tags[index] ?? [],
    set(index, tag, on) {
      refresh();
      const now = new Set(tags[index]);
      if (on) now.add(tag);
      else now.delete(tag);
      if (now.size) tags[index] = TAGS.filter((name) => now.has(name));
      else delete tags[index];
      try {
        localStorage.setItem(KEY, JSON.stringify(tags));
      } catch {
        // A page in a sandboxed frame has no storage; the tags last as long as the page.
      }
    },
    all: () => tags,
  };
}

/** The stored tags; anything in them that is not ours is dropped. Null where there is no storage. */
function read() {
  const tags = {};
  let text;
  try {
    text = localStorage.getItem(KEY);
  } catch {
    return null;
  }
  try {
    const stored = JSON.parse(text ?? "{}");
    for (const [index, names] of Object.entries(stored)) {
      if (!/^\d+$/.test(index) || !Array.isArray(names)) continue;
      const known = TAGS.filter((name) => names.includes(name));
      if (known.length) tags[index] = known;
    }
  } catch {
    // Another program's text.
  }
  return tags;
}
