import type { StreamFigures } from '@liaison/sdk';
import { expect, it } from 'vitest';
import { linesOf, lostOf, pictureOf } from './people';

const stream = (change: Partial<StreamFigures>): StreamFigures => ({
  direction: 'received',
  kind: 'video',
  track: '',
  rid: '',
  codec: 'VP8',
  width: 0,
  height: 0,
  framesPerSecond: 0,
  limitedBy: 'none',
  kbps: 0,
  packets: 0,
  lost: 0,
  repaired: null,
  frozenMs: null,
  ...change,
});
const streams = [
  stream({ track: 'v1', width: 640, packets: 90, lost: 10 }),
  stream({ track: 'a1', kind: 'audio', packets: 100 }),
  stream({ direction: 'sent', track: 'mine', rid: 'q', width: 320 }),
  stream({ direction: 'sent', track: 'mine', rid: 'f', width: 1280 }),
  stream({ track: 'gone', width: 9 }),
];
const carriers = [
  { person: 'bo', screen: false, tracks: ['a1', 'v1'] },
  { person: 'cy', screen: false, tracks: ['a2', 'v2'] },
];

it('puts each stream to its person, oneself first', () => {
  const lines = linesOf(streams, carriers);
  expect(lines.map(({ person, streams: own }) => [person, own.length])).toEqual([
    ['', 2],
    ['bo', 2],
  ]);
  expect(lines.map((line) => pictureOf(line)?.width)).toEqual([1280, 640]);
  expect(lines.map(lostOf)).toEqual([0, 5]);
});

it('has no picture where there is only sound', () => {
  const sound = { person: 'bo', screen: false, streams: [stream({ kind: 'audio' })] };
  expect(pictureOf(sound)).toBeNull();
});
