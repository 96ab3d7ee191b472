/** What the channels of networks answer to, fetched when it is first wanted. */

/** Read a pack, with a module that not every tab needs. @param {Promise<ArrayBuffer>} coming */
export async function readable(coming) {
  const [{ readPack }, bytes] = await Promise.all([import("./pack.js"), coming]);
  return readPack(bytes);
}

/**
 * @param {(name: string) => Promise<ArrayBuffer>} pack
 * @param {() => Promise<(index: number) => Promise<HTMLCanvasElement>>} images of the test split
 * @returns {import('../evidence/account-terms.js').Channels}
 */
export function createChannels(pack, images) {
  /** @type {Map<string, Promise<any>>} */
  const kept = new Map();

  /** @template T @param {string} name @param {() => Promise<T>} fetch @returns {Promise<T>} */
  function once(name, fetch) {
    if (!kept.has(name)) {
      const coming = fetch();
      kept.set(name, coming);
      coming.catch(() => kept.delete(name)); // it may be there the next time
    }
    return kept.get(name);
  }

  return {
    of: (model) => once(model, () => readable(pack(`${model}-channels`))),
    image: async (index) => (await once("images", images))(index),
  };
}
