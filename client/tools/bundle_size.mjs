// Prints the size of what a browser loads, and refuses an SDK that has grown too heavy.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

const SDK_LIMIT = 60_000; // bytes, gzip

const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10);

function row(name, content) {
  const gzip = gzipSync(content, { level: 9 }).length;
  const brotli = brotliCompressSync(content).length;
  console.log(`${name.padEnd(36)}${kB(content.length)}${kB(gzip)}${kB(brotli)}`);
  return gzip;
}

console.log(
  `${''.padEnd(36)}${'bytes'.padStart(10)}${'gzip'.padStart(10)}${'brotli'.padStart(10)}`,
);
const assets = new URL('../app/dist/assets/', import.meta.url);
for (const file of readdirSync(assets)
  .filter((name) => /\.(js|css)$/.test(name))
  .sort()) {
  row(file, readFileSync(new URL(file, assets)));
}

const entry = fileURLToPath(new URL('../sdk/src/index.ts', import.meta.url));
const { output } = (
  await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, target: 'es2022', lib: { entry, formats: ['es'] } },
  })
)[0];
if (row('the SDK alone', Buffer.from(output[0].code)) > SDK_LIMIT) {
  console.error(`The SDK is heavier than ${kB(SDK_LIMIT).trim()} compressed.`);
  process.exit(1);
}
