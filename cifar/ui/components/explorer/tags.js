/**
 * What a person says about an image, kept in this browser by test index.
 */

export const TAGS = ["label wrong", "ambiguous", "model's fault", "interesting"];
const KEY = "cifar-lens:tags";

/** @returns {{of(index: number): string[], toggle(index: number, tag: string): void, all(): Object<string, string[]>}} */
export function createTags() {
  let tags = read() ?? {};
  return {
    of: (index) => tags[index] ?? [],
    toggle(index, tag) {
      tags = read() ?? tags; // another tab of the browser may have written meanwhile
      const now = new Set(tags[index]);
      if (!now.delete(tag)) now.add(tag);
      if (now.size) tags[index] = TAGS.filter((name) => now.has(name));
      else delete tags[index];
      try {
        localStorage.setItem(KEY, JSON.stringify(tags));
      } catch {
        // A page in a sandboxed frame has no storage; the tags last as long as the page.
      }
    },
    all: () => (tags = read() ?? tags),
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
