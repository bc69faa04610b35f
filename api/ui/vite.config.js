import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// One script and one style sheet, named by their hash. A node answers the page
// and its files at / alone, as /?f=NAME, so that no other route is needed and
// the page works behind any path.
export default defineConfig({
  plugins: [svelte()],
  experimental: { renderBuiltUrl: (name) => `?f=${name}` },
  build: {
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        entryFileNames: 'app-[hash].js',
        assetFileNames: 'app-[hash][extname]',
        codeSplitting: false,
      },
    },
  },
});
