// Contrast of the themes as WCAG 2.2 measures it: 4.5 for text, 3 for what is only drawn.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('tokens.css', import.meta.url), 'utf8');

/** The colours that one block of the style sheet sets. */
function coloursAfter(selector: string): Record<string, string> {
  const start = css.indexOf(`${selector} {`);
  const block = css.slice(start, css.indexOf('}', start));
  const pairs = [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
}

const light = coloursAfter(':root');
const dark = { ...light, ...coloursAfter(":root[data-theme='dark']") };
const bySystem = { ...light, ...coloursAfter(":root:not([data-theme='light'])") };

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const TEXT = [
  ['ink', 'ground'],
  ['ink', 'surface'],
  ['ink', 'raised'],
  ['ink', 'raised-hover'],
  ['ink', 'warn-soft'],
  ['ink', 'accent-soft'],
  ['surface', 'ink'],
  ['ink-soft', 'ground'],
  ['ink-soft', 'surface'],
  ['accent', 'surface'],
  ['accent-ink', 'accent'],
  ['accent-ink', 'accent-hover'],
  ['danger-ink', 'danger'],
  ['danger-ink', 'danger-hover'],
  ['danger-text', 'danger-soft'],
  ['danger-text', 'surface'],
  ['tile-ink', 'tile'],
] as const;
const DRAWN = [
  ['good', 'surface'],
  ['fair', 'surface'],
  ['poor', 'surface'],
  ['ring', 'tile'],
  ['field-line', 'surface'],
] as const;

describe.each([
  ['light', light],
  ['dark', dark],
])('the %s theme', (_, colours: Record<string, string>) => {
  it.each(TEXT)('%s can be read on %s', (text, ground) => {
    expect(contrast(colours[text] ?? '', colours[ground] ?? '')).toBeGreaterThanOrEqual(4.5);
  });
  it.each(DRAWN)('%s can be seen on %s', (drawn, ground) => {
    expect(contrast(colours[drawn] ?? '', colours[ground] ?? '')).toBeGreaterThanOrEqual(3);
  });
});

it('dark is the same by the system as by choice', () => {
  expect(bySystem).toEqual(dark);
});

it('contrast is measured rightly', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 1);
});
