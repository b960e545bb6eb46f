import { defineConfig } from "vite";

// The output is embedded in the server's binary: one page, one icon, a script and a style sheet for what opens first and
// for each page that is opened later; all named by their content, nothing inline (the Content-Security-Policy allows only 'self').
export default defineConfig({
  build: {
    target: ["es2023", "chrome125", "firefox128", "safari17.5"],
    cssTarget: ["chrome125", "firefox128", "safari18"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        hashCharacters: "hex",
        entryFileNames: "assets/app-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
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
