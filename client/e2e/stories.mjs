// All stories, one after the other in one process: they share the machine's two cores.
import { readdirSync } from 'node:fs';

const stories = new URL('stories/', import.meta.url);
for (const name of readdirSync(stories).sort()) await import(new URL(name, stories));
