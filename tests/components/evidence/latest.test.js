import assert from "node:assert/strict";
import test, { mock } from "node:test";

import { createAnswers, createLatest } from "../../../cifar/ui/components/evidence/latest.js";

/** Let promises that are settled call back. */
const settled = () => new Promise((done) => setImmediate(done));

/** Work that ends when the test says so. */
class Pending {
  /** @type {Promise<string>} */
  #promise = new Promise((resolve, reject) => {
    this.answer = resolve;
    this.fail = reject;
  });

  ask = () => this.#promise;
}

test("only the newest of several questions is answered", async () => {
  const latest = createLatest();
  /** @type {string[]} */
  const seen = [];
  /** @param {() => Promise<string>} work */
  const start = (work) =>
    latest.start(
      0,
      work,
      (value) => seen.push(value),
      ({ message }) => seen.push(message),
    );
  const [old, failing, newest] = [new Pending(), new Pending(), new Pending()];
  start(old.ask);
  start(failing.ask);
  start(newest.ask);
  failing.fail(new Error("late failure"));
  newest.answer("new");
  old.answer("old");
  await settled();
  assert.deepEqual(seen, ["new"]);
  start(async () => {
    throw new Error("no");
  });
  await settled();
  assert.deepEqual(seen, ["new", "no"]);
});

test("a question that rests is never asked if a newer one comes or it is cancelled", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const latest = createLatest();
    /** @type {string[]} */
    const asked = [];
    /** @param {number} rest @param {string} name */
    const start = (rest, name) =>
      latest.start(
        rest,
        async () => asked.push(name),
        () => {},
        () => {},
      );
    start(20, "first");
    mock.timers.tick(19);
    start(20, "second");
    mock.timers.tick(19);
    assert.deepEqual(asked, []);
    mock.timers.tick(1);
    assert.deepEqual(asked, ["second"]);
    start(20, "third");
    latest.cancel();
    mock.timers.tick(100);
    assert.deepEqual(asked, ["second"]);
  } finally {
    mock.timers.reset();
  }
});

test("work can see that something newer was started", async () => {
  const latest = createLatest();
  const slow = new Pending();
  /** @type {boolean[]} */
  const done = [];
  latest.start(
    0,
    async (current) => {
      await slow.ask();
      done.push(current());
    },
    () => {},
    () => {},
  );
  latest.start(
    0,
    async (current) => done.push(current()),
    () => {},
    () => {},
  );
  slow.answer("");
  await settled();
  assert.deepEqual(done, [true, false]);
});

test("answers are kept, the oldest go first, and failures are not kept", async () => {
  let asked = 0;
  const answers = createAnswers(async (question) => {
    asked++;
    if (question === "bad") throw new Error("no");
    return question;
  }, 2);
  assert.equal(answers.has("a"), false);
  await answers.get("a", "one");
  await Promise.all([answers.get("a", "one"), answers.get("a", "one")]);
  assert.equal(asked, 1);
  for (let k = 0; k < 2; k++) await assert.rejects(answers.get("b", "bad"), /no/);
  assert.equal(asked, 3);
  await answers.get("c", "one");
  await answers.get("d", "one");
  assert.deepEqual(["a", "b", "c", "d"].map(answers.has), [false, false, true, true]);
});
