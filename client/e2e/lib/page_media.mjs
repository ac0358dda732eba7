// Loads page_media.js for the pages of a browser.
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('page_media.js', import.meta.url), 'utf8');

/** The function in page_media.js. The pages run it; here it is only carried. */
export const pageMedia = new Function(`return (${text})`)();

/** How the picture and the tone of person `person` (0 … 6) are made; with `noise` a quarter of it is what takes an encoder many bits. */
export const made = (person, { width = 640, height = 360, fps = 20, noise = false } = {}) => ({ person, width, height, fps, noise });
