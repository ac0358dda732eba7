// All stories, one after the other in one process: they share the machine's two cores.
import { readdirSync } from 'node:fs';

const stories = new URL('stories/', import.meta.url);
// STORIES picks some by the beginnings of their files' names: "10 40_repair".
const picked = process.env.STORIES?.split(' ').filter(Boolean) ?? [];
for (const name of readdirSync(stories).sort()) {
  if (picked.length && !picked.some((beginning) => name.startsWith(beginning))) continue;
  await import(new URL(name, stories));
}
