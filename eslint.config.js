/** What eslint checks in the page's JavaScript, beyond what TypeScript does. */

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".venv/", "node_modules/", "runs/", "site/", "space/"] },
  js.configs.recommended,
  {
    files: ["**/*.js"],
    languageOptions: { globals: { ...globals.browser, ...globals.worker, ...globals.node } },
    rules: {
      complexity: ["error", 15],
      "max-lines-per-function": ["error", { max: 150, skipBlankLines: true, skipComments: true }],
      eqeqeq: "error",
      "prefer-const": "error",
    },
  },
];
