import { defineConfig, type Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";

/**
 * Puts the page's own code into the page, so that it is fetched at once and yet not waited for by `boot.ts`; and what that
 * will ask for, before it is there itself.
 */
const main: Plugin = {
  name: "main",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler(_, { bundle = {} }) {
      const chunk = Object.values(bundle).find((file) => file.type === "chunk" && file.name === "main");
      if (!chunk) throw new Error("There is no chunk of main.tsx.");
      const preload = (name: RegExp) => {
        const href = Object.keys(bundle).find((file) => name.test(file));
        if (!href) throw new Error(`There is no file ${name}.`);
        const attrs = { rel: "preload", as: "fetch", crossorigin: true, href: `./${href}` };
        return { tag: "link", attrs, injectTo: "head" as const };
      };
      const attrs = { type: "module", crossorigin: true, src: `./${chunk.fileName}` };
      return [
        preload(/page_simd128-.*\.wasm$/),
        preload(/digits-.*\.bin$/),
        { tag: "script", attrs, injectTo: "head" as const },
      ];
    },
  },
};

export default defineConfig({
  // Relative addresses: the built page works from any folder of any host.
  base: "./",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { index: "index.html", main: "src/main.tsx" } },
  },
  worker: { format: "es" },
  plugins: [
    main,
    VitePWA({
      strategies: "injectManifest",
      srcDir: "sw",
      filename: "sw.ts",
      injectRegister: false, // the page does it, see src/updates.ts
      // Pictures are for who installs the page, and come then.
      injectManifest: { globPatterns: ["**/*.{html,js,css,svg,wasm,bin}"] },
      includeManifestIcons: false,
      manifest: {
        // No id: it is then the address of the folder, so that copies in several folders of a host are several apps.
        name: "Quantpad: what int8 does to a model",
        short_name: "Quantpad",
        description:
          "Train a digit classifier, quantize it, draw, and watch both models answer side by side: size, time and accuracy, measured on your machine.",
        start_url: "./",
        scope: "./",
        display: "standalone",
        background_color: "#f3f4f6",
        theme_color: "#f3f4f6",
        icons: [
          { src: "icon.svg", sizes: "any", type: "image/svg+xml" },
          { src: "icon-192.png", sizes: "192x192", type: "image/png" },
          { src: "icon-512.png", sizes: "512x512", type: "image/png" },
          { src: "icon-maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
        ],
      },
    }),
  ],
});
