import { describe, expect, it } from 'vitest';
import { answered, plan, type PlanRequest } from './publishing';

const request: PlanRequest = {
  kind: 'camera',
  codec: 'vp8',
  content: 'text',
  simulcast: true,
  layered: true,
  demand: null,
};
const total = (of: PlanRequest) =>
  plan(of).encodings.reduce((sum, { active, maxBitrate }) => sum + (active ? maxBitrate : 0), 0);

describe('the camera', () => {
  it('has three sizes, the smallest first', () => {
    const { encodings } = plan(request);
    expect(encodings.map(({ rid }) => rid)).toEqual(['q', 'h', 'f']);
    expect(encodings.map((e) => e.scaleResolutionDownBy)).toEqual([4, 2, 1]);
    expect(encodings.map((e) => e.scalabilityMode)).toEqual(['L1T3', 'L1T3', 'L1T3']);
  });

  it('needs fewer bits with a newer codec', () => {
    for (const codec of ['vp9', 'av1'])
      expect(total({ ...request, codec })).toBeLessThan(1_700_000);
    expect(total(request)).toBe(2_350_000);
  });

  it('has no modes where the browser has none, and so no layers', () => {
    const { encodings } = plan({ ...request, codec: 'vp9', layered: false });
    expect(encodings.every((e) => e.active && e.scalabilityMode === undefined)).toBe(true);
  });

  it('keeps its layers as they are when fewer are wanted', () => {
    // The base layer is a quarter of the picture in each case.
    for (const [spatial_layers, scale] of [
      [3, 1],
      [2, 2],
      [1, 4],
    ] as const) {
      const demand = [{ rid: 'q', active: true, spatial_layers }];
      const [first, ...others] = plan({ ...request, codec: 'vp9', demand }).encodings;
      expect(first?.scaleResolutionDownBy).toBe(scale);
      expect((first?.scaleResolutionDownBy ?? 0) * 2 ** (spatial_layers - 1)).toBe(4);
      expect(others.every(({ active }) => !active)).toBe(true);
    }
  });

  it('of one encoding follows what is said of that one', () => {
    const demand = [{ rid: 'q', active: false, spatial_layers: 1 }];
    const one = { ...request, simulcast: false };
    expect(plan(one).encodings).toMatchObject([{ active: true, scaleResolutionDownBy: 1 }]);
    expect(plan({ ...one, demand }).encodings).toMatchObject([{ active: false }]);
  });
});

it('a screen keeps its sharpness or its pace', () => {
  const screen = { ...request, kind: 'screen' } as const;
  expect(plan(screen).degradationPreference).toBe('maintain-resolution');
  expect(plan(screen).encodings[0]?.scalabilityMode).toBeUndefined();
  expect(plan({ ...screen, codec: 'av1' }).encodings[0]?.scalabilityMode).toBe('L1T3');
  expect(plan({ ...screen, content: 'motion' }).encodings[0]?.maxFramerate).toBe(30);
});

describe('the codec of an answer', () => {
  const sdp = [
    'v=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 63 111',
    'a=rtpmap:63 red/48000/2',
    'm=video 9 UDP/TLS/RTP/SAVPF 98 99 96',
    'a=simulcast:recv q;h;f',
    'a=rtpmap:96 VP8/90000',
    'a=rtpmap:98 VP9/90000',
    'm=video 0 UDP/TLS/RTP/SAVPF 0',
    '',
  ].join('\r\n');

  it('is the first of its m-line', () => {
    expect([0, 1].map((line) => answered(sdp, line))).toEqual([
      { codec: 'red', simulcast: false },
      { codec: 'vp9', simulcast: true },
    ]);
  });

  it('may be unknown', () => {
    expect([2, 3].map((line) => answered(sdp, line).codec)).toEqual(['', '']);
    expect(answered('', 0)).toEqual({ codec: '', simulcast: false });
  });
});
