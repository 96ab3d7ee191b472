import assert from "node:assert/strict";
import test from "node:test";

import { orientationOf, upright } from "../../../cifar/ui/components/static/orientation.js";

/** Make a WebP file of chunks without pictures. @param {Array<[string, number[]]>} chunks */
function webp(chunks) {
  const bytes = chunks.flatMap(([name, content]) => [
    ...[...name].map((letter) => letter.charCodeAt(0)),
    ...[content.length, 0, 0, 0],
    ...content,
    ...(content.length % 2 ? [0] : []),
  ]);
  const head = [..."RIFF\0\0\0\0WEBP"].map((letter) => letter.charCodeAt(0));
  return Uint8Array.from([...head, ...bytes]);
}

const LITTLE = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
const BIG = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0];

test("the orientation of a WebP is found in its EXIF", () => {
  assert.equal(orientationOf(webp([["EXIF", LITTLE]])), 6);
  assert.equal(orientationOf(webp([["EXIF", BIG]])), 8);
  const named = [..."Exif\0\0"].map((letter) => letter.charCodeAt(0));
  assert.equal(
    orientationOf(
      webp([
        ["VP8X", [1, 2, 3]],
        ["EXIF", [...named, ...LITTLE]],
      ]),
    ),
    6,
  );
});

test("whatever else a file holds, it lies as it is", () => {
  for (const file of [
    new Uint8Array(),
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
    webp([["VP8 ", [1, 2, 3]]]),
    webp([["EXIF", []]]),
    webp([["EXIF", LITTLE.slice(0, 15)]]),
    webp([["EXIF", LITTLE.with(18, 9)]]),
    webp([["EXIF", LITTLE.with(4, 255)]]),
    webp([["EXIF", LITTLE.with(10, 0x13)]]),
  ])
    assert.equal(orientationOf(file), 1);
});

test("a picture is turned as its orientation says", () => {
  // Six pixels: 0 1 2 over 3 4 5.
  const data = Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((k) => [k, k, k]));
  const wanted = {
    1: [3, 2, "012345"],
    2: [3, 2, "210543"],
    3: [3, 2, "543210"],
    4: [3, 2, "345012"],
    5: [2, 3, "031425"],
    6: [2, 3, "304152"],
    7: [2, 3, "524130"],
    8: [2, 3, "251403"],
  };
  for (const [orientation, [width, height, order]] of Object.entries(wanted)) {
    const found = upright({ width: 3, height: 2, data }, +orientation);
    assert.deepEqual([found.width, found.height], [width, height]);
    assert.equal(Array.from(found.data.filter((_, k) => k % 3 === 0)).join(""), order);
  }
});
