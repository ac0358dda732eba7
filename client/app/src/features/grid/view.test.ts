import { expect, it } from 'vitest';
import type { Placed } from './layout';
import { viewOf } from './view';

const at = (tile: string, width: number, height: number): Placed => ({
  tile,
  rect: { x: 0, y: 0, width, height },
  role: 'grid',
});
const placed = [at('self', 100, 60), at('bo', 320, 180), at('screen:cy', 800, 450)];
const people = new Set(['bo', 'cy']);

it('lists people and the screen in device pixels, and not oneself', () => {
  expect(viewOf(placed, people, 'screen:cy', 2, true)).toEqual({
    people: [{ person: 'bo', width: 640, height: 360 }],
    screen: { width: 1600, height: 900 },
  });
});

it('has nothing where nobody looks', () => {
  expect(viewOf(placed, people, 'screen:cy', 2, false)).toEqual({ people: [], screen: null });
});

it('has no screen where none is shown', () => {
  expect(viewOf(placed.slice(0, 2), people, null, 1, true).screen).toBeNull();
});
