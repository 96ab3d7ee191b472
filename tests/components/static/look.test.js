import assert from "node:assert/strict";
import test from "node:test";

import { createLook } from "../../../cifar/ui/components/static/look.js";

const options = {
  classes: ["cat", "dog", "frog"],
  methods: [],
  layers: { net: [{ name: "last", title: "last layer", size: 1 }] },
  usable: { net: [] },
  defaults: {},
  colours: { sequential: [], diverging: [] },
};

const CALIBRATION = {
  temperature: 1,
  unsure: 0.6,
  doubt: { kind: "unsure", title: "not sure", text: "Fewer are right." },
  note: "Calibrated.",
};

/** @param {number|null} label of the image @param {number} far distance of a visitor's picture */
function createSite(label = null, far = 0.4) {
  /** @type {string[]} */
  const asked = [];
  const { look, account } = createLook({
    models: {
      net: {
        network: { url: "net", bytes: 1 },
        calibrated: {
          image: { ...CALIBRATION, threshold: 2 },
          look: { ...CALIBRATION, threshold: 1 },
          looks: { ...CALIBRATION, threshold: 1, temperature: 0.5 },
        },
        unlike: {
          network: { url: "distance", bytes: 1 },
          // The energy of the logits below is -log(2 + 5 + 3): it adds nothing to the score.
          scale: {
            distance: { mean: 0.4, deviation: 0.1 },
            energy: { mean: -Math.log(10), deviation: 1 },
          },
          notice: { kind: "unlike", title: "unlike CIFAR-10", text: "It may mean nothing." },
          tests: [7],
        },
      },
    },
    options,
    image: async (about) =>
      "index" in about
        ? { pixels: new Uint8Array(3072), kind: "image", look: 0, label }
        : {
            pixels: new Uint8Array(3072 * (about.kind === "looks" ? 5 : 1)),
            kind: about.kind,
            look: about.look ?? 0,
            label: null,
          },
    run: async (network, pixels, distance) => {
      asked.push(network.url + (distance ? ` ${distance.url}` : ""));
      const run = {
        logits: Float32Array.of(Math.log(2), Math.log(5), Math.log(3)),
        maps: Float32Array.of(1),
        weights: Float32Array.of(1, 2, 3),
        averaged: false,
        height: 1,
        width: 1,
      };
      const runs = Array.from({ length: pixels.length / 3072 }, () => run);
      // The last look says "cat" when it is mirrored.
      if (runs.length > 1)
        runs[9] = { ...run, logits: Float32Array.of(2, 0, 1), maps: Float32Array.of(3) };
      return { distance: distance && far, nearest: distance ? [7, 8] : [], runs };
    },
  });
  return { look, account, asked };
}

const question = (/** @type {object} */ changes) => ({
  model: "net",
  image: { index: 4 },
  method: "gradcam",
  layers: [],
  classes: [],
  ...changes,
});

test("an answer holds probabilities, the prediction and the runner-up", async () => {
  const answer = await createSite().look(question({}));
  [0.2, 0.5, 0.3].forEach((share, k) =>
    assert.ok(Math.abs(answer.probabilities[k] - share) < 1e-6),
  );
  assert.equal(answer.predicted, 1);
  assert.equal(answer.runner_up, 2);
  assert.deepEqual(answer.layers, ["last"]);
  assert.deepEqual(
    answer.notices.map(({ kind }) => kind),
    ["unsure"],
  );
});

test("the maps are of the prediction and the label, or the runner-up", async () => {
  /** @param {number|null} label @param {object} [changes] */
  const targets = async (label, changes = {}) =>
    (await createSite(label).look(question(changes))).maps.map(({ target }) => target);
  assert.deepEqual(await targets(null), [1, 2]);
  assert.deepEqual(await targets(1), [1, 2]);
  assert.deepEqual(await targets(0), [1, 0]);
  assert.deepEqual(await targets(0, { classes: [2] }), [2]);
});

test("FinerCAM compares the two classes with each other", async () => {
  const { look } = createSite();
  const [pair, alone] = await Promise.all([
    look(question({ method: "finercam", classes: [2, 0] })),
    look(question({ method: "finercam", classes: [2] })),
  ]);
  // The score is the gap of the two logits, so its gradient is 1 and -1: 3 - 1 by the head.
  assert.ok(Math.abs(pair.maps[0].values[0] - 2) < 1e-6);
  assert.ok(Math.abs(alone.maps[0].values[0] - 2) > 0.1);
});

test("another method or other classes do not run the network again", async () => {
  const { look, asked } = createSite();
  await look(question({}));
  await look(question({ method: "layercam", classes: [0, 2] }));
  assert.equal(asked.length, 1);
  await look(question({ image: { index: 5 } }));
  assert.equal(asked.length, 2);
});

test("a picture far from CIFAR-10 is said to be unlike it, and test images as recorded", async () => {
  const kinds = async (/** @type {number} */ far, /** @type {object} */ image) => {
    const { look, asked } = createSite(null, far);
    const { notices, nearest } = await look(question({ image }));
    assert.deepEqual(nearest, "pixels" in image ? [7, 8] : []);
    return [asked[0], notices.map(({ kind }) => kind)];
  };
  const pixels = { pixels: "AAAA", kind: "look" };
  assert.deepEqual(await kinds(0.6, pixels), ["net distance", ["unlike", "unsure"]]);
  assert.deepEqual(await kinds(0.4, pixels), ["net distance", ["unsure"]]);
  assert.deepEqual(await kinds(0.6, { index: 4 }), ["net", ["unsure"]]);
  assert.deepEqual(await kinds(0.6, { index: 7 }), ["net", ["unlike", "unsure"]]);
});

test("several looks are averaged, each says its class, and one is explained", async () => {
  const { look } = createSite();
  const image = { pixels: "AAAA", kind: "looks" };
  const answer = await look(question({ image, classes: [1] }));
  // At a temperature of 0.5, shares are squared: 25 of 38 in nine looks.
  const [, last] = [2, 0, 1].map((logit) => Math.exp(2 * (logit - 2)));
  const share = last / (1 + last + Math.exp(-2));
  assert.ok(Math.abs(answer.probabilities[1] - (0.9 * 25) / 38 - 0.1 * share) < 1e-6);
  assert.deepEqual(answer.looks, [...Array(4).fill([1, 1]), [1, 0]]);
  const fourth = await look(question({ image: { ...image, look: 3 }, classes: [1] }));
  assert.deepEqual(fourth.maps, answer.maps);
});

test("the account is of the look that is explained, in the temperature of one look", async () => {
  const image = { pixels: "p", kind: /** @type {const} */ ("looks"), look: 4 };
  const site = createSite();
  const account = await site.account({ model: "net", image });
  assert.equal(account.temperature, CALIBRATION.temperature);
  assert.deepEqual([...account.terms], [1, 2, 3]); // of one channel
  await site.look(question({ image }));
  assert.equal(site.asked.length, 1); // the network ran once for both
});
