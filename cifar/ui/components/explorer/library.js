/** The packs of a page: fetched once each, and those that the visitor has uploaded. */

import { readPack } from "./pack.js";
import { names } from "./view.js";

/** @import { Pack } from "./pack.js" */
/** @import { Names } from "./view.js" */

/** @param {Pick<import('./explorer.js').Adapter, 'models'|'others'|'pack'|'upload'>} adapter */
export function createLibrary(adapter) {
  /** @type {Map<string, Promise<Pack>>} */
  const packs = new Map();
  /** @type {Map<string, Pack>} */
  const uploaded = new Map();

  /** Return every model that the named one can be compared with. */
  const othersOf = (model) => [
    ...adapter.models.filter(({ name }) => name !== model),
    ...[...uploaded.values()].map(({ header: { name, title } }) => ({ name, title })),
    ...(adapter.others ?? []),
  ];

  return {
    othersOf,
    /**
     * Return a pack. One that did not arrive is fetched again the next time.
     * @param {string} name 'images', or the name of a model
     * @returns {Promise<Pack>}
     */
    async load(name) {
      if (uploaded.has(name)) return uploaded.get(name);
      if (!packs.has(name)) {
        const pack = adapter.pack(name).then(readPack);
        packs.set(name, pack);
        pack.catch(() => packs.delete(name));
      }
      return packs.get(name);
    },
    /** Read a file of predictions; return its name as a model, and a note. @param {File} file */
    async upload(file) {
      const { pack: content, note } = await adapter.upload(file);
      const pack = await readPack(content);
      uploaded.set(pack.header.name, pack);
      return { name: pack.header.name, note };
    },
    /** Whether a model is an uploaded one, which only this page has. @param {string} name */
    isUploaded: (name) => uploaded.has(name),
    /** Return the names that this page may use while a model is shown. @returns {Names} */
    namesOf: (images, model) => ({
      ...names(images.header, model.header),
      models: adapter.models.map(({ name }) => name),
      others: othersOf(model.header.name).map(({ name }) => name),
    }),
  };
}
