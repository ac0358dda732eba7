import { expect, it } from 'vitest';
import { diagnose } from './stats';

const report = (entries: Record<string, object>) =>
  new Map(Object.entries(entries)) as unknown as RTCStatsReport;

const OUT = {
  type: 'outbound-rtp',
  kind: 'video',
  mid: '1',
  frameWidth: 1280,
  frameHeight: 720,
  framesPerSecond: 30,
  codecId: 'C',
};
const PAIR = { type: 'candidate-pair', localCandidateId: 'L', currentRoundTripTime: 0.025 };
const REST = { C: { type: 'codec', mimeType: 'video/VP8' }, L: { protocol: 'udp' } };
const PICTURE = { mid: '1', width: 1280, height: 720, framesPerSecond: 30, codec: 'video/VP8' };

it('reads what Chromium reports', () => {
  const transport = { type: 'transport', selectedCandidatePairId: 'P' };
  expect(diagnose(report({ O: OUT, P: PAIR, T: transport, ...REST }))).toEqual({
    sent: [PICTURE],
    received: [],
    protocol: 'udp',
    rttMs: 25,
  });
});

it('reads what Firefox reports, which has no transport', () => {
  const other = { ...PAIR, currentRoundTripTime: 9 };
  const figures = diagnose(report({ X: other, P: { ...PAIR, selected: true }, ...REST }));
  expect(figures).toMatchObject({ protocol: 'udp', rttMs: 25 });
});

it('leaves out what shows no picture, and knows nothing of an empty report', () => {
  const idle = { ...OUT, type: 'inbound-rtp', framesPerSecond: undefined };
  const sound = { ...OUT, kind: 'audio' };
  expect(diagnose(report({ I: idle, S: sound }))).toEqual({
    sent: [],
    received: [],
    protocol: '',
    rttMs: null,
  });
});
