// Node 18 keeps the browser's `crypto` in a module.
import { webcrypto } from 'node:crypto';

if (!('crypto' in globalThis)) Object.assign(globalThis, { crypto: webcrypto });
