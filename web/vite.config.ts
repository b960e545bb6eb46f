import { defineConfig } from "vite";

// The output is embedded in the server's binary: one page, one script, one style sheet, one icon,
// each named by its content, nothing inline (the Content-Security-Policy allows only 'self').
export default defineConfig({
  build: {
    target: ["es2023", "chrome125", "firefox128", "safari17.5"],
    cssTarget: ["chrome125", "firefox128", "safari18"],
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: false,
        hashCharacters: "hex",
        entryFileNames: "assets/app-[hash].js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".css"))
            ? "assets/app-[hash].css"
            : "assets/[name]-[hash][extname]",
      },
    },
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/v1", "/auth", "/demo/"].map((path) => [path, "http://127.0.0.1:7718"]),
    ),
  },
});
