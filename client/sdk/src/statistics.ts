// What people ask when a call is bad: how much is sent and received, lost, repaired, frozen; each with
// a grade. Pure: the browser's counters in, differences between two moments out.

import type { ConnectionReport } from './messages';
import { type Level, LOSS_LIMITS, RTT_LIMITS_MS } from './quality';

/** One RTP stream's counters since it began. What the browser does not count is null. */
export interface StreamCount {
  readonly direction: 'sent' | 'received';
  readonly kind: 'audio' | 'video';
  /** Of the MediaStreamTrack that it carries, where the browser tells. */
  readonly track: string;
  /** "" where the source has one encoding. */
  readonly rid: string;
  /** As in "VP8"; "" while unknown. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
  readonly repaired: number | null;
  readonly frozenMs: number | null;
  /** What keeps the encoder from doing better: "none", "cpu", "bandwidth" or "other". */
  readonly limitedBy: string;
}

export interface Snapshot {
  /** ms. */
  readonly at: number;
  readonly rttMs: number | null;
  /** "udp" or "tcp"; "" while unknown. */
  readonly protocol: string;
  readonly streams: ReadonlyMap<string, StreamCount>;
}

type Entry = Readonly<Record<string, unknown>>;

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * Both browsers leave the count of what arrived out until something has. Chromium counts with it what only
 * fills the path, as probes do: that has packets, but no bytes.
 */
function repairedOf(entry: Entry, sent: boolean): number | null {
  if (sent) return numberOrNull(entry['retransmittedPacketsSent']);
  const repaired = numberOrNull(entry['retransmittedPacketsReceived']);
  if (repaired === null) return entry['nackCount'] === 0 ? 0 : null;
  const bytes = numberOrNull(entry['retransmittedBytesReceived']);
  const mean = numberOf(entry['bytesReceived']) / Math.max(1, numberOf(entry['packetsReceived']));
  return bytes === null || mean === 0 ? repaired : Math.min(repaired, Math.round(bytes / mean));
}

function countOf(entry: Entry, all: ReadonlyMap<string, Entry>): StreamCount {
  const sent = entry['type'] === 'outbound-rtp';
  // How much of what we send is lost only the other side knows.
  const far = sent ? all.get(textOf(entry['remoteId'])) : entry;
  const frozen = numberOrNull(entry['totalFreezesDuration']);
  const source = sent ? all.get(textOf(entry['mediaSourceId'])) : entry;
  return {
    direction: sent ? 'sent' : 'received',
    kind: entry['kind'] === 'audio' ? 'audio' : 'video',
    track: textOf(source?.['trackIdentifier']),
    rid: textOf(entry['rid']),
    codec: textOf(all.get(textOf(entry['codecId']))?.['mimeType']).replace(/^\w+\//, ''),
    width: numberOf(entry['frameWidth']),
    height: numberOf(entry['frameHeight']),
    framesPerSecond: numberOf(entry['framesPerSecond']),
    bytes: numberOf(entry[sent ? 'bytesSent' : 'bytesReceived']),
    packets: numberOf(entry[sent ? 'packetsSent' : 'packetsReceived']),
    lost: numberOf(far?.['packetsLost']),
    repaired: repairedOf(entry, sent),
    frozenMs: frozen === null ? null : frozen * 1000,
    limitedBy: textOf(entry['qualityLimitationReason']) || 'none',
  };
}

/** Chromium names the pair in use in the transport; Firefox has no transport but marks the pair. */
function selectedPair(all: ReadonlyMap<string, Entry>): Entry | undefined {
  const entries = [...all.values()];
  const transport = entries.find((entry) => entry['type'] === 'transport');
  const named = all.get(textOf(transport?.['selectedCandidatePairId']));
  return named ?? entries.find((e) => e['type'] === 'candidate-pair' && e['selected'] === true);
}

export function snapshot(report: RTCStatsReport, at: number): Snapshot {
  const all = new Map<string, Entry>();
  report.forEach((entry: Entry, id: string) => all.set(id, entry));
  const streams = new Map<string, StreamCount>();
  for (const [id, entry] of all) {
    if (entry['type'] !== 'outbound-rtp' && entry['type'] !== 'inbound-rtp') continue;
    streams.set(id, countOf(entry, all));
  }
  const pair = selectedPair(all);
  const rtt = numberOrNull(pair?.['currentRoundTripTime']);
  return {
    at,
    rttMs: rtt === null ? null : rtt * 1000,
    protocol: textOf(all.get(textOf(pair?.['localCandidateId']))?.['protocol']),
    streams,
  };
}

/** One stream between two moments. */
export interface StreamFigures extends Pick<
  StreamCount,
  | 'direction'
  | 'kind'
  | 'track'
  | 'rid'
  | 'codec'
  | 'width'
  | 'height'
  | 'framesPerSecond'
  | 'limitedBy'
> {
  readonly kbps: number;
  /** Packets. */
  readonly packets: number;
  readonly lost: number;
  readonly repaired: number | null;
  readonly frozenMs: number | null;
}

export interface Figures {
  readonly at: number;
  readonly rttMs: number | null;
  readonly protocol: string;
  /** Only those that carry something. */
  readonly streams: readonly StreamFigures[];
}

const grown = (before: number | null | undefined, after: number | null): number | null =>
  after === null ? null : Math.max(0, after - (before ?? 0));

/** What happened between two snapshots of one peer connection. */
export function between(before: Snapshot, after: Snapshot): Figures {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const streams: StreamFigures[] = [];
  for (const [id, now] of after.streams) {
    const then = before.streams.get(id);
    const { bytes, packets, lost, repaired, frozenMs, ...rest } = now;
    const figures: StreamFigures = {
      ...rest,
      kbps: ((grown(then?.bytes, bytes) ?? 0) * 8) / 1000 / seconds,
      packets: grown(then?.packets, packets) ?? 0,
      lost: grown(then?.lost, lost) ?? 0,
      repaired: grown(then?.repaired, repaired),
      frozenMs: grown(then?.frozenMs, frozenMs),
    };
    if (figures.packets > 0 || figures.lost > 0) streams.push(figures);
  }
  return { at: after.at, rttMs: after.rttMs, protocol: after.protocol, streams };
}

/** Repeated packets in what arrives, %: from these on the path is no longer good, and poor. */
export const REPAIR_LIMITS = [2, 8] as const;
/** Standing pictures in the last FROZEN_OVER_MS, ms: likewise. */
export const FROZEN_LIMITS_MS = [500, 2000] as const;
export const FROZEN_OVER_MS = 10_000;
/** With less than this, bit/s, hardly one picture gets through. */
const LITTLE_BANDWIDTH = 300_000;

export type RowId =
  'sent' | 'received' | 'lost' | 'repaired' | 'frozen' | 'bandwidth' | 'round_trip';

/** One line of the table. Values are null while they are not known, or not measured by this browser. */
export interface Row {
  readonly id: RowId;
  readonly level: Level | 'unknown';
  /** kbit/s, %, ms. The second one is what belongs to it: down after up, wanted after available. */
  readonly values: readonly (number | null)[];
}

function grade(value: number, [fair, poor]: readonly [number, number]): Level {
  return value >= poor ? 'poor' : value >= fair ? 'fair' : 'good';
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

/** The table: of the last second, and of what came before where a second says little. */
export function rowsOf(history: readonly Figures[], report: ConnectionReport | null): Row[] {
  const last = history.at(-1);
  if (last === undefined) return [];
  const of = (direction: 'sent' | 'received') =>
    last.streams.filter((stream) => stream.direction === direction);
  const sent = of('sent');
  const received = of('received');
  const limited = report?.bandwidth_limited === true;
  const rows: Row[] = [
    {
      id: 'sent',
      level:
        report === null && sent.length === 0
          ? 'unknown'
          : sent.some(({ limitedBy }) => limitedBy === 'bandwidth' || limitedBy === 'cpu')
            ? 'fair'
            : 'good',
      values: [sum(sent.map(({ kbps }) => kbps))],
    },
    {
      id: 'received',
      level: limited ? 'fair' : report === null && received.length === 0 ? 'unknown' : 'good',
      values: [sum(received.map(({ kbps }) => kbps))],
    },
    lostRow(history, report),
    repairedRow(history),
    frozenRow(history),
    bandwidthRow(report),
  ];
  // The browser goes on telling the last one that it measured.
  const rtt = report?.rtt_ms ?? (last.streams.length === 0 ? null : last.rttMs);
  rows.push({
    id: 'round_trip',
    level: rtt === null ? 'unknown' : grade(rtt, RTT_LIMITS_MS),
    values: [rtt],
  });
  return rows;
}

/** The share of the packets that were lost, in the last `over` ms. */
function lossOf(history: readonly Figures[], over: number): number | null {
  const since = (history.at(-1)?.at ?? 0) - over;
  const streams = history
    .filter(({ at }) => at > since)
    .flatMap((one) => one.streams.filter(({ direction }) => direction === 'received'));
  const packets = sum(streams.map(({ packets: n, lost }) => n + lost));
  return packets === 0 ? null : sum(streams.map(({ lost }) => lost)) / packets;
}

/** The server sees both ways; without its word we know how much does not reach us. */
function lostRow(history: readonly Figures[], report: ConnectionReport | null): Row {
  const up = report?.loss_up ?? null;
  const down = report?.loss_down ?? lossOf(history, 5000);
  if (up === null && down === null) return { id: 'lost', level: 'unknown', values: [null, null] };
  const percent = (share: number | null) => (share === null ? null : share * 100);
  return {
    id: 'lost',
    level: grade(Math.max(up ?? 0, down ?? 0), LOSS_LIMITS),
    values: [percent(up), percent(down)],
  };
}

function repairedRow(history: readonly Figures[]): Row {
  const since = (history.at(-1)?.at ?? 0) - 5000;
  const streams = history
    .filter(({ at }) => at > since)
    .flatMap((one) => one.streams)
    .filter(({ direction, repaired }) => direction === 'received' && repaired !== null);
  const packets = sum(streams.map((stream) => stream.packets));
  if (packets === 0) return { id: 'repaired', level: 'unknown', values: [null] };
  const percent = (sum(streams.map(({ repaired }) => repaired ?? 0)) / packets) * 100;
  return { id: 'repaired', level: grade(percent, REPAIR_LIMITS), values: [percent] };
}

function frozenRow(history: readonly Figures[]): Row {
  const since = (history.at(-1)?.at ?? 0) - FROZEN_OVER_MS;
  const byTrack = new Map<string, number>();
  for (const { at, streams } of history) {
    if (at <= since) continue;
    for (const { track, frozenMs } of streams) {
      if (frozenMs !== null) byTrack.set(track, (byTrack.get(track) ?? 0) + frozenMs);
    }
  }
  if (byTrack.size === 0) return { id: 'frozen', level: 'unknown', values: [null] };
  // The worst picture: who looks at it does not care that the others move.
  const worst = Math.max(...byTrack.values());
  return { id: 'frozen', level: grade(worst, FROZEN_LIMITS_MS), values: [worst] };
}

function bandwidthRow(report: ConnectionReport | null): Row {
  const available = report?.bandwidth_down;
  if (available === undefined) return { id: 'bandwidth', level: 'unknown', values: [null, null] };
  const limited = report?.bandwidth_limited === true;
  const wanted = report?.wanted_down ?? null;
  return {
    id: 'bandwidth',
    level: !limited ? 'good' : available < LITTLE_BANDWIDTH ? 'poor' : 'fair',
    values: [available / 1000, wanted === null ? null : wanted / 1000],
  };
}

/** How much of the past is kept: 5 minutes of one a second. */
export const HISTORY_LENGTH = 300;

interface Moment {
  readonly figures: Figures;
  readonly report: ConnectionReport | null;
}

/** The last minutes, for whoever looks into a bad call afterwards. Whoever has a timer feeds it. */
export class StatisticsHistory {
  private before: Snapshot | null = null;
  private moments: Moment[] = [];

  add(now: Snapshot, report: ConnectionReport | null): void {
    const { before } = this;
    this.before = now;
    if (before === null) return;
    // Another peer connection counts anew, and what stands between the two was nobody's.
    const goesOn = [...before.streams.keys()].some((id) => now.streams.has(id));
    if (before.streams.size > 0 && !goesOn) return;
    this.moments = [...this.moments, { figures: between(before, now), report }].slice(
      -HISTORY_LENGTH,
    );
  }

  get figures(): readonly Figures[] {
    return this.moments.map(({ figures }) => figures);
  }

  /**
   * Everything, as JSON. Without names, rooms, addresses and secrets: one may send it to a stranger.
   * Tracks are numbered, since their ids say nothing to anybody.
   */
  report(about: Readonly<Record<string, string | null>>): string {
    const tracks = new Map<string, number>();
    const number = (track: string): number => {
      if (!tracks.has(track)) tracks.set(track, tracks.size + 1);
      return tracks.get(track) ?? 0;
    };
    const series = this.moments.map(({ figures, report }) => ({
      at: new Date(figures.at).toISOString(),
      rtt_ms: figures.rttMs,
      protocol: figures.protocol,
      server: report === null ? null : withoutType(report),
      streams: figures.streams.map(({ track, ...rest }) => ({ track: number(track), ...rest })),
    }));
    return JSON.stringify({ ...about, interval_ms: 1000, series }, round, 1);
  }
}

function withoutType({ t, ...rest }: ConnectionReport): Omit<ConnectionReport, 't'> {
  return rest;
}

/** Three decimals are more than anything here is measured to. */
function round(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
