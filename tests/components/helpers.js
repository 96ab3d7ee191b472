/** Small data and stand-ins for a browser that the tests share. */

/** @typedef {import('../../cifar/ui/components/explorer/pack.js').Pack} Pack */

/** The names that links are tested with. */
export const KNOWN = {
  models: ["resnet", "basenet"],
  others: ["basenet", "published"],
  classes: "airplane automobile bird cat deer dog frog horse ship truck".split(" "),
  verdicts: ["suspect", "ambiguous", "most", "own"],
  agreement: ["all agree", "90% to under 100%", "50% to under 90%", "under 50%"],
  bands: [
    { low: 1, high: null },
    { low: 0.9, high: 1 },
    { low: 0.5, high: 0.9 },
    { low: 0, high: 0.5 },
  ],
  slices: { class: 10, brightness: 5 },
  sorts: ["most confident", "least confident", "test index"],
  count: 10_000,
};

/**
 * Return a generator of the same numbers, 0 to 1, each time (mulberry32).
 * @param {number} seed
 */
export function createRandom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Make packs of a few images in three classes.
 * @param {object} values one for each image
 * @param {number[]} values.label
 * @param {number[]} values.predicted
 * @param {number[]} [values.other] classes that the model compared with predicts
 * @param {number[]} [values.confidence] in percent
 * @param {number[]} [values.verdict] from 1; 0 for none
 * @param {number[]} [values.agreement] bands
 * @param {number[]} [values.difficulty] published networks that miss it
 * @param {number[]} [values.slice] groups of the slice "brightness"
 */
export function makeData({
  label,
  predicted,
  other,
  confidence,
  verdict,
  agreement,
  difficulty,
  slice,
}) {
  const zeros = label.map(() => 0);
  /** @param {object} header @param {object} columns */
  const pack = (header, columns) => /** @type {Pack} */ ({ header, count: label.length, columns });
  /** @param {number[]} classes */
  const modelColumns = (classes) => ({
    predicted: Uint8Array.from(classes),
    confidence: Uint16Array.from(confidence ?? zeros, (percent) => 100 * percent),
    verdict: Uint8Array.from(verdict ?? zeros),
  });
  return {
    images: pack(
      {
        classes: ["cat", "dog", "frog"],
        recorded: ["cat", "dog", "frog"],
        count: label.length,
        agreement: [
          { key: "all agree", low: 1, high: null },
          { key: "under 50%", low: 0, high: 0.5 },
        ],
        slices: [{ key: "brightness", title: "Brightness", groups: ["dark", "bright"] }],
      },
      {
        label: Uint8Array.from(label),
        agreement: Uint8Array.from(agreement ?? zeros),
        agreement_share: Uint16Array.from(agreement ?? zeros, (band) => (band ? 2500 : 10_000)),
        twin: Uint16Array.from(label, (_, i) => (i === 1 ? 44160 : 65535)),
        difficulty: Uint8Array.from(difficulty ?? zeros),
        slice_brightness: Uint8Array.from(slice ?? zeros),
      },
    ),
    model: pack(
      {
        name: "resnet",
        title: "ResNet",
        verdicts: [{ key: "suspect" }, { key: "own" }],
        sorts: ["most confident"],
      },
      modelColumns(predicted),
    ),
    other: other ? pack({ name: "basenet", title: "BaseNet" }, modelColumns(other)) : null,
  };
}

/** A canvas that keeps its pixels, and scales a drawn image without smoothing. */
export class FakeCanvas {
  width = 300;
  height = 150;
  /** @type {ImageData|null} */
  pixels = null;

  getContext() {
    const canvas = this;
    return {
      imageSmoothingEnabled: true,
      createImageData: blank,
      /** @param {ImageData} image */
      putImageData(image) {
        canvas.pixels = image;
      },
      getImageData: () => canvas.pixels,
      /**
       * @param {FakeCanvas} image
       * @param {number} _x
       * @param {number} _y
       * @param {number} width
       * @param {number} height
       */
      drawImage(image, _x, _y, width, height) {
        if (this.imageSmoothingEnabled) throw new Error("The image would be blurred.");
        canvas.pixels = blank(width, height);
        for (let at = 0; at < width * height; at++) {
          const column = Math.floor(((at % width) * image.width) / width);
          const row = Math.floor((Math.floor(at / width) * image.height) / height);
          const from = 4 * (row * image.width + column);
          canvas.pixels.data.set(image.pixels.data.subarray(from, from + 4), 4 * at);
        }
      },
    };
  }
}

/** @param {number} width @param {number} height @returns {ImageData} */
const blank = (width, height) => ({
  width,
  height,
  colorSpace: "srgb",
  data: new Uint8ClampedArray(4 * width * height),
});

/**
 * Make a canvas whose pixels a function gives.
 * @param {number} side
 * @param {(at: number) => number[]} color rgb of the pixel at a place
 */
export function paintedCanvas(side, color) {
  const canvas = new FakeCanvas();
  canvas.width = canvas.height = side;
  canvas.pixels = blank(side, side);
  for (let at = 0; at < side * side; at++) canvas.pixels.data.set([...color(at), 255], 4 * at);
  return canvas;
}

/**
 * Make a storage like the browser's.
 * @param {Object<string, string>} [kept]
 */
export const createStorage = (kept = {}) => ({
  /** @param {string} key */
  getItem: (key) => kept[key] ?? null,
  /** @param {string} key @param {string} value */
  setItem(key, value) {
    kept[key] = String(value);
  },
});
