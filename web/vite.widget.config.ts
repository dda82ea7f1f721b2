import { defineConfig } from "vite";

// The widget of notebooks: a small module that the Python package carries. The page itself comes from the kernel.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: process.env.KARIN_WIDGET_OUT ?? "../python/karin/_assets",
    emptyOutDir: true,
    target: "es2023",
    modulePreload: false,
    lib: { entry: "src/widget/main.ts", formats: ["es"], fileName: () => "widget.js" },
  },
});
