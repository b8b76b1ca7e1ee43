import js from "@eslint/js";
import globals from "globals";

const PAGES = "service/web/static";

export default [
  js.configs.recommended,
  {
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: [`${PAGES}/**/*.js`], languageOptions: { globals: globals.browser } },
  { files: ["tests/javascript/**/*.js"], languageOptions: { globals: globals.node } },
];
