import { describe, expect, it } from 'vitest';
import { GAP, layOut, type Layout, type LayoutRequest, overlap, type Size } from './layout';

const SCREENS: Readonly<Record<string, Size>> = {
  'a wall screen': { width: 3840, height: 2000 },
  'a large window': { width: 1920, height: 940 },
  'a laptop': { width: 1440, height: 740 },
  'a small laptop': { width: 1024, height: 600 },
  'a tablet upright': { width: 820, height: 1020 },
  'a phone upright': { width: 374, height: 640 },
  'a phone lying': { width: 820, height: 260 },
};
const names = (n: number) => Array.from({ length: n }, (_, i) => `p${i}`);

function arrange(change: Partial<LayoutRequest>): Layout {
  const size = SCREENS['a laptop'] as Size;
  return layOut({ people: [], self: 'me', stage: null, size, ...change });
}

/** What holds of every layout. */
function check(layout: Layout, { people, self, stage, size }: LayoutRequest) {
  const own = layout.placed.find(({ role }) => role === 'self');
  const rects = layout.placed.map(({ rect }) => rect).concat(layout.more ?? []);
  for (const { x, y, width, height } of rects) {
    expect(Math.min(width, height)).toBeGreaterThan(40);
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(-0.01);
    expect(x + width).toBeLessThanOrEqual(size.width + 0.01);
    expect(y + height).toBeLessThanOrEqual(size.height + 0.01);
  }
  // Nobody covers anybody, but for one's own small picture.
  for (const [i, a] of rects.entries()) {
    for (const b of rects.slice(i + 1)) {
      if (a !== own?.rect && b !== own?.rect) expect(overlap(a, b)).toBe(false);
    }
  }
  // Everybody is somewhere, once.
  const all = [...people, ...(self ? [self] : []), ...(stage ? [stage.tile] : [])];
  const found = [...layout.placed.map(({ tile }) => tile), ...layout.hidden];
  expect([...found].sort()).toEqual([...new Set(all)].sort());
  expect(layout.more !== null).toBe(layout.hidden.length > 0);
}

describe.each(Object.entries(SCREENS))('on %s', (_, size) => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 30, 100])('%i others find their places', (n) => {
    for (const self of ['me', null]) {
      for (const stage of [
        null,
        { tile: 'screen', kind: 'screen' as const },
        ...(n > 0 ? [{ tile: 'p0', kind: 'person' as const }] : []),
      ]) {
        const request = { people: names(n), self, stage, size };
        check(layOut(request), request);
      }
    }
  });

  it('up to 9 people are all to be seen', () => {
    for (let n = 0; n <= 8; ++n) expect(arrange({ people: names(n), size }).hidden).toEqual([]);
  });

  it('nobody is hidden while somebody less important is shown', () => {
    const { placed, hidden } = arrange({ people: names(60), size });
    const shown = placed.map(({ tile }) => tile).filter((tile) => tile !== 'me');
    expect([...shown, ...hidden]).toEqual(names(60));
  });

  it('a shared screen takes most of the room', () => {
    const stage = { tile: 'screen', kind: 'screen' as const };
    const { placed } = arrange({ people: names(3), stage, size });
    const [staged, ...faces] = placed;
    expect(staged?.tile).toBe('screen');
    for (const { rect } of faces) {
      expect((staged?.rect.width ?? 0) * (staged?.rect.height ?? 0)).toBeGreaterThan(
        3 * rect.width * rect.height,
      );
    }
  });
});

describe('alone', () => {
  it('one fills the stage', () => {
    const size = { width: 800, height: 600 };
    expect(arrange({ size }).placed).toEqual([
      { tile: 'me', rect: { x: 0, y: 0, ...size }, role: 'grid' },
    ]);
  });

  it('without a picture there is nothing', () => {
    expect(arrange({ self: null }).placed).toEqual([]);
  });
});

it('one other fills the stage, and oneself is in the corner', () => {
  const size = { width: 1440, height: 740 };
  const { placed } = arrange({ people: ['ana'], size });
  expect(placed[0]).toEqual({ tile: 'ana', rect: { x: 0, y: 0, ...size }, role: 'grid' });
  const own = placed[1]?.rect;
  expect(placed[1]?.role).toBe('self');
  expect((own?.x ?? 0) + (own?.width ?? 0)).toBeCloseTo(size.width - GAP);
  expect((own?.y ?? 0) + (own?.height ?? 0)).toBeCloseTo(size.height - GAP);
  expect((own?.width ?? 0) / size.width).toBeLessThan(0.25);
});

it('several share the stage in tiles of one size', () => {
  for (const n of [2, 3, 4, 5, 6, 7, 8]) {
    const { placed } = arrange({ people: names(n) });
    const others = placed.filter(({ role }) => role === 'grid').map(({ rect }) => rect);
    expect(new Set(others.map(({ width }) => width)).size).toBe(1);
    expect(new Set(others.map(({ height }) => height)).size).toBe(1);
  }
});

it('on a laptop oneself covers nobody', () => {
  for (const n of [2, 3, 4, 5, 6, 7, 8]) {
    const { placed } = arrange({ people: names(n) });
    const own = placed.at(-1);
    expect(own?.role).toBe('self');
    expect(placed.slice(0, -1).some(({ rect }) => overlap(rect, own?.rect ?? rect))).toBe(false);
  }
});

it('forty-eight others and oneself are all to be seen on a laptop, in tiles of one size', () => {
  const { placed, hidden } = arrange({ people: names(48), size: { width: 1408, height: 740 } });
  expect(hidden).toEqual([]);
  expect(placed).toHaveLength(49);
  expect(placed.at(-1)).toMatchObject({ tile: 'me', role: 'self' });
  expect(new Set(placed.map(({ rect }) => rect.width)).size).toBe(1);
  for (const { rect } of placed) expect(rect.width).toBeGreaterThan(160);
});

it('in a crowd on a phone oneself is the last of those who find room, after how many there are besides', () => {
  const { placed, hidden, more } = arrange({
    people: names(48),
    size: { width: 374, height: 715 },
  });
  expect(placed.map(({ tile }) => tile)).toEqual([...names(16), 'me']);
  expect(hidden).toHaveLength(32);
  const own = placed.at(-1)?.rect;
  expect(more?.y).toBe(own?.y);
  expect(more?.x).toBeLessThan(own?.x ?? 0);
  for (const { rect } of placed) expect(rect.width).toBeGreaterThan(108);
});

it('oneself never covers how many are hidden', () => {
  for (const size of Object.values(SCREENS)) {
    for (let n = 2; n <= 100; n++) {
      const { placed, more } = arrange({ people: names(n), size });
      const own = placed.find(({ role }) => role === 'self');
      expect(more !== null && own !== undefined && overlap(more, own.rect)).toBe(false);
    }
  }
});

it('oneself is never hidden in a strip', () => {
  const stage = { tile: 'screen', kind: 'screen' as const };
  for (const size of Object.values(SCREENS)) {
    const { placed } = arrange({ people: names(50), stage, size });
    expect(placed.map(({ tile }) => tile)).toContain('me');
  }
});

it('the speaker on the stage is not in the strip as well', () => {
  const { placed } = arrange({ people: names(3), stage: { tile: 'p1', kind: 'person' } });
  expect(placed.map(({ tile, role }) => `${tile} ${role}`)).toEqual([
    'p1 stage',
    'me strip',
    'p0 strip',
    'p2 strip',
  ]);
});

it('no room, no tiles', () => {
  expect(arrange({ people: names(2), size: { width: 0, height: 0 } }).placed).toEqual([]);
});
