import { describe, expect, it } from 'vitest';
import { HISTORY_LENGTH, between, rowsOf, snapshot, StatisticsHistory } from './statistics';
import { report as connection } from './testing/messages';

type Entry = Record<string, unknown>;

const report = (entries: Record<string, Entry>) =>
  new Map(Object.entries(entries)) as unknown as RTCStatsReport;

interface Counters {
  packets?: number;
  bytes?: number;
  lost?: number;
  repaired?: number;
  frozen?: number;
}

const inbound = ({ packets = 0, bytes = 0, lost = 0, repaired = 0, frozen = 0 }: Counters) => ({
  type: 'inbound-rtp',
  kind: 'video',
  codecId: 'c',
  trackIdentifier: 'picture-of-bo',
  packetsReceived: packets,
  bytesReceived: bytes,
  packetsLost: lost,
  retransmittedPacketsReceived: repaired,
  totalFreezesDuration: frozen,
  frameWidth: 640,
  frameHeight: 360,
});
const moment = (at: number, counters: Counters, more: Record<string, Entry> = {}) =>
  snapshot(report({ c: { mimeType: 'video/VP9' }, i: inbound(counters), ...more }), at);
const row = (rows: ReturnType<typeof rowsOf>, id: string) => rows.find((one) => one.id === id);

describe('between two moments', () => {
  it('are the rates of what flows', () => {
    const before = moment(1000, { packets: 100, bytes: 50_000, lost: 3, frozen: 1 });
    const after = moment(3000, {
      packets: 300,
      bytes: 300_000,
      lost: 13,
      repaired: 8,
      frozen: 1.5,
    });
    expect(between(before, after).streams).toMatchObject([
      {
        track: 'picture-of-bo',
        codec: 'VP9',
        kbps: 1000,
        packets: 200,
        lost: 10,
        repaired: 8,
        frozenMs: 500,
        width: 640,
      },
    ]);
  });

  it('nothing is repaired where nothing was asked for', () => {
    const received = (nackCount: number) => {
      const entry = { type: 'inbound-rtp', kind: 'video', packetsReceived: 1, nackCount };
      return [...snapshot(report({ i: entry }), 0).streams.values()][0]?.repaired;
    };
    expect([0, 3].map(received)).toEqual([0, null]);
  });

  it('what only fills the path repairs nothing', () => {
    const received = (retransmittedBytesReceived: number) => {
      const entry = {
        type: 'inbound-rtp',
        kind: 'video',
        packetsReceived: 200,
        bytesReceived: 100_000,
        retransmittedPacketsReceived: 36,
        retransmittedBytesReceived,
      };
      return [...snapshot(report({ i: entry }), 0).streams.values()][0]?.repaired;
    };
    expect([0, 2_000, 90_000].map(received)).toEqual([0, 4, 36]);
  });

  it('what stands still is nothing', () => {
    const at = (ms: number) => moment(ms, { packets: 9, lost: 1 });
    expect(between(at(1), at(2)).streams).toEqual([]);
  });

  it('the other side says what is lost of what we send', () => {
    const sending = (packetsSent: number, packetsLost: number) => ({
      o: {
        type: 'outbound-rtp',
        kind: 'video',
        rid: 'h',
        remoteId: 'r',
        mediaSourceId: 's',
        packetsSent,
        qualityLimitationReason: 'cpu',
      },
      r: { type: 'remote-inbound-rtp', packetsLost },
      s: { type: 'media-source', trackIdentifier: 'mine' },
    });
    const before = moment(0, {}, sending(10, 0));
    const after = moment(1000, {}, sending(110, 5));
    expect(between(before, after).streams).toMatchObject([
      { direction: 'sent', rid: 'h', track: 'mine', packets: 100, lost: 5, limitedBy: 'cpu' },
    ]);
  });

  it('the path is found as each browser names it', () => {
    const pair = { type: 'candidate-pair', currentRoundTripTime: 0.04, localCandidateId: 'l' };
    const local = { type: 'local-candidate', protocol: 'tcp' };
    const chromium = { t: { type: 'transport', selectedCandidatePairId: 'p' }, p: pair, l: local };
    const firefox = { p: { ...pair, selected: true }, l: local };
    for (const entries of [chromium, firefox]) {
      expect(snapshot(report(entries), 0)).toMatchObject({ rttMs: 40, protocol: 'tcp' });
    }
  });
});

describe('the table', () => {
  const figures = (counters: Counters, at = 1000) => between(moment(0, {}), moment(at, counters));

  it('is all green when all is well', () => {
    const rows = rowsOf([figures({ packets: 100, bytes: 125_000 })], connection());
    expect(rows.map(({ level }) => level)).toEqual([
      'good',
      'good',
      'good',
      'good',
      'good',
      'unknown',
      'good',
    ]);
    expect(row(rows, 'received')?.values).toEqual([1000]);
  });

  it('knows nothing where nothing comes or goes and the server says nothing', () => {
    const pair = { type: 'candidate-pair', currentRoundTripTime: 0.04, selected: true };
    const still = (at: number) => moment(at, { packets: 9, lost: 1 }, { p: pair });
    const rows = rowsOf([between(still(0), still(1000))], null);
    expect(new Set(rows.map(({ level }) => level))).toEqual(new Set(['unknown']));
    expect(row(rows, 'round_trip')?.values).toEqual([null]);
    // Who is silent on a path that carries is well.
    const silent = rowsOf([between(still(0), still(1000))], connection());
    expect(row(silent, 'sent')?.level).toBe('good');
    expect(row(silent, 'received')?.level).toBe('good');
  });

  it('grades what is lost, repaired and frozen', () => {
    const bad = { packets: 100, lost: 5, repaired: 10, frozen: 3 };
    const rows = rowsOf([figures(bad)], connection({ loss_up: 0.03, loss_down: 0.2 }));
    expect(row(rows, 'lost')).toMatchObject({ level: 'poor', values: [3, 20] });
    expect(row(rows, 'repaired')).toMatchObject({ level: 'poor', values: [10] });
    expect(row(rows, 'frozen')).toMatchObject({ level: 'poor', values: [3000] });
    // Without the server's word.
    const alone = rowsOf([figures(bad)], null);
    expect(row(alone, 'lost')?.values[1]).toBeCloseTo(100 / 21);
    expect(row(alone, 'round_trip')).toMatchObject({ level: 'unknown', values: [null] });
  });

  it('forgets a freeze after a while', () => {
    const froze = figures({ packets: 9, frozen: 5 }, 1000);
    const later = figures({ packets: 9 }, 12_000);
    expect(row(rowsOf([froze, later], null), 'frozen')?.level).toBe('good');
  });

  it('says how much the path carries, where the server knows', () => {
    const bandwidth = (bandwidth_down: number, bandwidth_limited: boolean) =>
      row(
        rowsOf(
          [figures({ packets: 1 })],
          connection({ bandwidth_down, bandwidth_limited, wanted_down: 2_600_000 }),
        ),
        'bandwidth',
      );
    expect(bandwidth(900_000, true)).toMatchObject({ level: 'fair', values: [900, 2600] });
    expect(bandwidth(200_000, true)).toMatchObject({ level: 'poor' });
    expect(bandwidth(200_000, false)).toMatchObject({ level: 'good' });
  });

  it('is empty before anything was measured', () => {
    expect(rowsOf([], connection())).toEqual([]);
  });
});

describe('the history', () => {
  it('is bounded', () => {
    const history = new StatisticsHistory();
    for (let i = 0; i < HISTORY_LENGTH + 50; ++i)
      history.add(moment(i * 1000, { packets: i }), null);
    expect(history.figures).toHaveLength(HISTORY_LENGTH);
    expect(history.figures.at(-1)?.at).toBe((HISTORY_LENGTH + 49) * 1000);
  });

  it('does not compare two peer connections', () => {
    const history = new StatisticsHistory();
    history.add(moment(0, { packets: 900 }), null);
    history.add(snapshot(report({ other: inbound({ packets: 1 }) }), 1000), null);
    expect(history.figures).toEqual([]);
    history.add(snapshot(report({ other: inbound({ packets: 5 }) }), 2000), null);
    expect(history.figures[0]?.streams).toMatchObject([{ packets: 4 }]);
  });

  it('makes a report without the ids of tracks', () => {
    const history = new StatisticsHistory();
    history.add(moment(0, {}), null);
    history.add(moment(1000, { packets: 3, bytes: 100 }), connection({ loss_down: 0.12345 }));
    const text = history.report({ call: 'c1', browser: 'Firefox' });
    expect(text).not.toContain('picture-of-bo');
    expect(JSON.parse(text)).toMatchObject({
      call: 'c1',
      series: [
        {
          at: '1970-01-01T00:00:01.000Z',
          server: { loss_down: 0.123 },
          streams: [{ track: 1, packets: 3, kbps: 0.8 }],
        },
      ],
    });
  });
});
