import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import ts from "typescript";
import { LANGUAGES } from "../../../cifar/ui/components/shared/language.js";

const COMPONENTS = new URL("../../../cifar/ui/components/", import.meta.url);
const OTHERS = Object.keys(LANGUAGES).filter((name) => name !== "en");
const tableOf = (name) =>
  JSON.parse(readFileSync(new URL(`text/${name}.json`, COMPONENTS), "utf8"));
const placeholders = (text) => (text.match(/\{\w+\}/g) ?? []).sort();

/** Return the module as a page in a language has it. @param {string} name */
async function speaking(name) {
  const url = new URL("shared/language.js", COMPONENTS);
  Object.assign(globalThis, {
    document: {},
    location: { search: `?lang=${name}` },
    navigator: { languages: [] },
    fetch: async (address) => ({ ok: true, json: async () => tableOf(name), address }),
  });
  try {
    return await import(`${url}?${name}`);
  } finally {
    for (const key of ["document", "location", "navigator"]) delete globalThis[key];
  }
}

/** Return the texts that code passes to a function as literals, also in both arms of `? :`. */
function literals(node) {
  if (ts.isConditionalExpression(node))
    return [...literals(node.whenTrue), ...literals(node.whenFalse)];
  if (ts.isStringLiteral(node)) return [node.text];
  if (!ts.isBinaryExpression(node)) return [];
  const [[left], [right]] = [literals(node.left), literals(node.right)];
  return left !== undefined && right !== undefined ? [left + right] : [];
}

/** Return all texts that the components say. */
function texts() {
  const found = new Set();
  const visit = (node) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const { text: name } = node.expression;
      const said = { t: [0], parts: [0], plural: [1, 2] }[name] ?? [];
      for (const at of said) for (const text of literals(node.arguments[at])) found.add(text);
    }
    ts.forEachChild(node, visit);
  };
  for (const name of readdirSync(COMPONENTS, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".js")) continue;
    const source = readFileSync(new URL(name, COMPONENTS), "utf8");
    visit(ts.createSourceFile(name, source, ts.ScriptTarget.Latest));
  }
  return [...found].sort();
}

test("each language has every text of the components, and no other", () => {
  for (const name of OTHERS)
    assert.deepEqual(Object.keys(tableOf(name).page).sort(), texts(), name);
});

test("each translation has the values of its text", () => {
  for (const name of OTHERS)
    for (const part of Object.values(tableOf(name)))
      for (const [text, translated] of Object.entries(part))
        assert.deepEqual(placeholders(translated), placeholders(text), `${name}: ${text}`);
});

test("what the server says is recognised with its values, sentence by sentence", async () => {
  const { heard } = await speaking("de");
  const { server } = tableOf("de");
  assert.equal(heard("cat"), server.cat);
  const said = heard(
    "At less than 1%, dog has little to lose, so this says little. " +
      "A network with random weights draws no map at all.",
  );
  assert.ok(said.includes(server.dog) && said.includes(server["less than 1%"]), said);
  assert.ok(said.endsWith(server["A network with random weights draws no map at all."]), said);
  assert.match(heard("blur 1.5 px"), /1,5/);
  assert.equal(heard("Nobody translated this 1.5 times."), "Nobody translated this 1.5 times.");
});

test("numbers, plurals and sentences follow the language", async () => {
  const german = await speaking("de");
  assert.equal(german.t("All {n} mistakes", { n: 1234 }).match(/[\d.]+/)[0], "1.234");
  assert.notEqual(
    german.plural(1, "{n} image", "{n} images"),
    german.plural(2, "{n} image", "{n} images").replace("2", "1"),
  );
  const japanese = await speaking("ja");
  assert.equal(
    japanese.plural(1, "{n} image", "{n} images"),
    japanese.plural(2, "{n} image", "{n} images").replace("2", "1"),
  );
  assert.equal(japanese.SPACE, "");
});

test("an unknown language, and a text that no table has, stay English", async () => {
  const { language, t } = await speaking("xx");
  assert.equal(language, "en");
  assert.equal(t("{n} of them", { n: 2 }), "2 of them");
});
