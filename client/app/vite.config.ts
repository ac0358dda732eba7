import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// During development the pages come from Vite and the WebSocket from a server on the usual port.
const SERVER = process.env['LIAISON_SERVER'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // Everything is a file of its own: the content security policy allows no inline content.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: true,
  },
  server: { proxy: { '/ws': { target: SERVER, ws: true } } },
});
