import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";

/**
 * While developing, requests go to a running viewer: start `karin view DATA --no-browser` and pass the link that it prints
 * as KARIN_VIEWER_URL to `npm run dev`.
 */
function developing() {
  const link = process.env.KARIN_VIEWER_URL;
  if (!link) return {};
  const { origin, searchParams } = new URL(link);
  const headers = { authorization: `Bearer ${searchParams.get("token")}` };
  return { proxy: { "/api": { target: origin, changeOrigin: true, headers } } };
}

// The bundle goes where the server embeds it, and is committed: `cargo run` alone has the viewer.
export default defineConfig({
  base: "./",
  plugins: [solid({ hot: false })],
  build: {
    outDir: process.env.KARIN_WEB_OUT ?? "../crates/karin-viewer/assets",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  server: developing(),
  preview: developing(),
  worker: { format: "es" },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
