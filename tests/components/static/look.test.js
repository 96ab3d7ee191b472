import assert from "node:assert/strict";
import test from "node:test";

import { createLook } from "../../../cifar/ui/components/static/look.js";

const options = {
  classes: ["cat", "dog", "frog"],
  methods: [],
  layers: { net: [{ name: "last", title: "last layer", size: 1 }] },
  defaults: {},
  colours: { sequential: [], diverging: [] },
};

/** @param {number|null} label of the image */
function createSite(label = null) {
  /** @type {string[]} */
  const asked = [];
  const look = createLook({
    models: {
      net: {
        network: { url: "net", bytes: 1 },
        temperature: 1,
        unsure: 0.6,
        doubt: { kind: "unsure", title: "not sure", text: "Fewer are right." },
      },
    },
    options,
    image: async (about) => ({
      pixels: new Uint8Array(3072),
      label: "index" in about ? label : null,
    }),
    run: async (network) => {
      asked.push(network.url);
      return {
        logits: Float32Array.of(Math.log(2), Math.log(5), Math.log(3)),
        maps: Float32Array.of(1),
        weights: Float32Array.of(1, 2, 3),
        height: 1,
        width: 1,
      };
    },
  });
  return { look, asked };
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
