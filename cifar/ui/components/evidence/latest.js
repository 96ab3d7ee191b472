/** Ask a server while the visitor goes on choosing. */

/** Run one piece of work at a time: starting another drops what the one before would have done. */
export function createLatest() {
  let turn = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;

  function cancel() {
    turn++;
    clearTimeout(timer);
  }

  return {
    cancel,
    /**
     * @template T
     * @param {number} rest milliseconds to wait first, in case something newer is started
     * @param {(current: () => boolean) => Promise<T>} work
     * @param {(value: T) => void} done
     * @param {(error: Error) => void} failed
     */
    start(rest, work, done, failed) {
      cancel();
      const mine = turn;
      const current = () => mine === turn;
      const go = async () => {
        let value;
        try {
          value = await work(current);
        } catch (error) {
          if (current()) failed(error);
          return;
        }
        if (current()) done(value);
      };
      if (rest) timer = setTimeout(go, rest);
      else go();
    },
  };
}

/**
 * Answers kept by what was asked, so that going back costs nothing.
 * @template Q, A
 * @param {(question: Q) => Promise<A>} request
 * @param {number} most answers kept; the oldest go first
 */
export function createAnswers(request, most) {
  /** @type {Map<string, {coming: Promise<A>, here: boolean}>} */
  const kept = new Map();
  return {
    /** Whether this was answered already. @param {string} key */
    has: (key) => kept.get(key)?.here ?? false,
    /** @param {string} key @param {Q} question @returns {Promise<A>} */
    get(key, question) {
      if (!kept.has(key)) {
        const entry = { coming: request(question), here: false };
        kept.set(key, entry);
        entry.coming.then(
          () => (entry.here = true),
          () => kept.delete(key), // it may be had the next time
        );
        if (kept.size > most) kept.delete(kept.keys().next().value);
      }
      return kept.get(key).coming;
    },
  };
}
