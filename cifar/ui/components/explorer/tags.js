/**
 * What a person says about an image, kept in this browser by test index.
 */

export const TAGS = ["label wrong", "ambiguous", "model's fault", "interesting"];
const KEY = "cifar-lens:tags";

/** @returns {{of(index: number): string[], toggle(index: number, tag: string): void, all(): Object<string, string[]>}} */
export function createTags() {
  const tags = read();
  return {
    of: (index) => tags[index] ?? [],
    toggle(index, tag) {
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
    all: () => tags,
  };
}

/** The stored tags; anything in them that is not ours is dropped. */
function read() {
  const tags = {};
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    for (const [index, names] of Object.entries(stored)) {
      if (!/^\d+$/.test(index) || !Array.isArray(names)) continue;
      const known = TAGS.filter((name) => names.includes(name));
      if (known.length) tags[index] = known;
    }
  } catch {
    // No storage, or another program's text in it.
  }
  return tags;
}
