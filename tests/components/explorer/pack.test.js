import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";

import { decode, readPack } from "../../../cifar/ui/components/explorer/pack.js";

/**
 * Lay out a pack before compression.
 * @param {object} header
 * @param {number[]} [columns] bytes of all columns
 */
function layOut(header, columns = []) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = Math.ceil((4 + text.length) / 8) * 8;
  const bytes = new Uint8Array(start + columns.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  bytes.set(columns, start);
  return bytes;
}

const HEADER = {
  format: 1,
  classes: ["chat", "crapaud doré"], // more bytes than letters
  columns: [
    { name: "label", dtype: "uint8", shape: [3], offset: 0 },
    { name: "position", dtype: "uint16", shape: [3], offset: 8 },
    { name: "votes", dtype: "uint8", shape: [3, 2], offset: 16 },
  ],
};
const COLUMNS = [2, 0, 1, 0, 0, 0, 0, 0].concat(
  [1, 2, 255, 255, 0, 1, 0, 0],
  [10, 20, 30, 40, 50, 60],
);

test("a pack has the columns that Python wrote, each of its own type", async () => {
  const bytes = gzipSync(layOut(HEADER, COLUMNS));
  const { header, count, columns } = await readPack(Uint8Array.from(bytes).buffer);
  assert.equal(header.classes[1], "crapaud doré");
  assert.equal(count, 3);
  assert.deepEqual(columns.label, Uint8Array.of(2, 0, 1));
  assert.deepEqual(columns.position, Uint16Array.of(0x0201, 0xffff, 0x0100));
  assert.deepEqual(columns.votes, Uint8Array.of(10, 20, 30, 40, 50, 60));
});

test("columns begin at a multiple of 8, however long the header is", () => {
  for (let k = 0; k < 8; k++) {
    const bytes = layOut({ ...HEADER, padding: "x".repeat(k) }, COLUMNS);
    assert.deepEqual(decode(bytes.buffer).columns.label, Uint8Array.of(2, 0, 1));
  }
});

test("a pack of another format asks for a reload", () => {
  assert.throws(() => decode(layOut({ format: 99, columns: [] }).buffer), /99: reload it/);
});

test("a pack keeps the names of classes and verdicts as they were recorded", () => {
  const verdict = { key: "own", title: "Model's own", rule: "all people chose the label", n: 3 };
  const slice = { key: "brightness", title: "Brightness", groups: ["middle fifth", "all agree"] };
  const details = ["brightness 0.370 to under 0.45", ""];
  const images = { ...HEADER, kind: "images", slices: [{ ...slice, details }] };
  const { header } = decode(layOut({ ...images, verdicts: [verdict] }, COLUMNS).buffer);
  assert.deepEqual(header.recorded, HEADER.classes);
  assert.deepEqual(header.slices, [{ ...slice, details }]);
  assert.deepEqual(header.verdicts, [{ ...verdict, recorded: verdict.title }]);
});
