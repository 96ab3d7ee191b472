/** What every tab of ours needs of the Gradio page around it. */

/** The header's model switch says so on this event (see `ui/__init__.py`). */
export const MODEL_EVENT = "lens:model";

/**
 * Calls Python functions; an answer with an `error` becomes one.
 * @param {Object<string, function(any): Promise<any>>} server Python functions by name
 * @returns {(name: string, question: object) => Promise<any>}
 */
export function asking(server) {
  return async (name, question) => {
    // Gradio keeps what went wrong on the way to itself, and then nothing comes back.
    const answer = await server[name](question);
    if (!answer) throw new Error("The server did not answer.");
    if (answer.error) throw new Error(answer.error);
    return answer;
  };
}

/** What the evidence panel asks for, each by its name (see `ui/evidence.py`). */
export const evidenceOf = (ask) =>
  Object.fromEntries(
    ["look", "trust", "probes", "bundle"].map((name) => [name, (question) => ask(name, question)]),
  );

/** The model that the header shows, which may have changed while this script was loading. */
export function selectedModel() {
  return document.querySelector("#model input:checked")?.value;
}
