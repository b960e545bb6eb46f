import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["src/**/*_test.ts", "src/**/*_test.tsx"], environment: "node", watch: false },
});
