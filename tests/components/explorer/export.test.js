import assert from "node:assert/strict";
import test from "node:test";

import * as files from "../../../cifar/ui/components/explorer/export.js";

const SHA = "0".repeat(64);

/**
 * Make packs of two images in two classes, with a name as odd as the test needs. The page shows
 * other names.
 * @param {string} name of the first class and the model
 */
function dataWith(name) {
  const pack = (/** @type {object} */ header, /** @type {object} */ columns) =>
    /** @type {import('../../../cifar/ui/components/explorer/pack.js').Pack} */ ({
      header,
      count: 2,
      columns,
    });
  return {
    images: pack(
      { classes: ["x", "y"], recorded: [name, "b,c"] },
      {
        label: Uint8Array.of(0, 1),
        votes: Uint8Array.of(7, 3, 0, 10),
        difficulty: Uint8Array.of(27, 0),
      },
    ),
    model: pack(
      { name, sha256: SHA, verdicts: [{ title: "z", recorded: "its, own" }] },
      {
        predicted: Uint8Array.of(1, 1),
        probabilities: Uint8Array.of(51, 204, 0, 255),
        confidence: Uint16Array.of(8012, 10000),
        verdict: Uint8Array.of(1, 0),
      },
    ),
    other: null,
  };
}

/** The probabilities of both images, as of `dataWith`. */
const EXACT = Float32Array.of(0.1988, 0.8012, 0, 1);

const tags = {
  of: (/** @type {number} */ index) => (index === 0 ? ["label wrong", "ambiguous"] : []),
  all: () => ({ 0: ["label wrong", "ambiguous"], 7: ["interesting"] }),
};

test("fields of CSV are quoted where they must be (RFC 4180)", () => {
  for (const [value, text] of [
    ['a "quoted" word', '"a ""quoted"" word"'],
    ["a, b", '"a, b"'],
    ["two\nlines", '"two\nlines"'],
    ["plain", "plain"],
    ["", ""],
    [null, ""],
    [0.5, "0.5"],
  ])
    assert.equal(files.field(value), text);
});

test("spreadsheets take no field for a formula, and numbers stay numbers", () => {
  for (const text of ["+1", "-1", "@SUM(A1)", "\t=1"]) assert.equal(files.field(text), `'${text}`);
  assert.equal(files.field('=HYPERLINK("http://evil")'), '"\'=HYPERLINK(""http://evil"")"');
  assert.equal(files.field(-1), "-1");
});

test("the table has a row for each image, in the order of the selection", () => {
  assert.equal(
    files.selectionCsv(dataWith("a"), [1, 0], tags, EXACT),
    [
      'index,label,predicted,confidence,probability a,"probability b,c",votes a,"votes b,c",' +
        "networks_that_miss_it,verdict,tags,model,weights_sha256",
      `1,"b,c","b,c",1,0,1,0,10,0,,,a,${SHA}`,
      `0,a,"b,c",0.8012,0.1988,0.8012,7,3,27,"its, own",label wrong; ambiguous,a,${SHA}`,
      "",
    ].join("\r\n"),
  );
});

test("every probability comes back from the table as it was", () => {
  const random = Float32Array.from({ length: 4 }, (_, k) => Math.fround(Math.sqrt(k + 2) / 3));
  const csv = files.selectionCsv(dataWith("a"), [0, 1], tags, random);
  for (const value of random)
    assert.ok(
      csv.split(/[,\r\n]/).some((text) => text && Math.fround(+text) === value),
      `${value}`,
    );
});

test("the table survives odd names", () => {
  const quoted = files.selectionCsv(dataWith('odd "name", indeed'), [0], tags, EXACT);
  assert.ok(quoted.includes('\r\n0,"odd ""name"", indeed","b,c",0.8012,'));
  assert.ok(quoted.endsWith(`,"odd ""name"", indeed",${SHA}\r\n`));
  const formula = files.selectionCsv(dataWith("=1+1"), [0], tags, EXACT);
  assert.ok(formula.includes(`\r\n0,'=1+1,"b,c",`));
});

test("the table of tags has the images that there are", () => {
  assert.equal(
    files.tagsCsv(dataWith("=1"), tags),
    `index,label,predicted,tags,model\r\n0,'=1,"b,c",label wrong; ambiguous,'=1\r\n`,
  );
});

test("JSON holds the same with the query that it answers", () => {
  const query = "?true=cat";
  const found = JSON.parse(files.selectionJson(dataWith("a"), [0], tags, EXACT, query));
  assert.equal(found.query, query);
  assert.equal(found.weights_sha256, SHA);
  assert.equal(found.count, 1);
  assert.deepEqual(found.images, [
    {
      index: 0,
      label: "a",
      predicted: "b,c",
      confidence: 0.8012,
      probabilities: [0.1988, 0.8012],
      votes: [7, 3],
      difficulty: 27,
      verdict: "its, own",
      tags: ["label wrong", "ambiguous"],
    },
  ]);
});

test("corrected labels come with their evidence", () => {
  const data = dataWith("a");
  Object.assign(data.images.columns, {
    corrected: Uint8Array.of(1, 1),
    review_for: Uint8Array.of(1, 0),
    review_against: Uint8Array.of(4, 0),
  });
  const [head, row, end] = files.correctedCsv(data).split("\r\n");
  assert.ok(head.startsWith("index,label,corrected,"));
  assert.ok(row.startsWith('0,a,"b,c",7,3,10,1,4,"votes: CIFAR-10H'));
  assert.equal(end, "");
});
