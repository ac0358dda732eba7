// How good our own connection is, and why not better: pure functions over the server's reports.

import type { ConnectionReport } from './messages';

export type Level = 'good' | 'fair' | 'poor';

/** One thing that is wrong, with the figure that says how much. */
export type Reason =
  /** Share of the packets we send that is lost, %. */
  | { readonly code: 'loss_up'; readonly percent: number }
  /** Share of the packets sent to us that is lost, %. */
  | { readonly code: 'loss_down'; readonly percent: number }
  /** Round trip to the server, ms. */
  | { readonly code: 'slow'; readonly ms: number }
  | { readonly code: 'over_tcp' }
  /** We are sent smaller pictures than we show, or none: the path to us carries this much, kbit/s. */
  | { readonly code: 'bandwidth'; readonly kbps: number };

export interface Assessment {
  readonly level: Level;
  /** The worst first; empty when all is well. */
  readonly reasons: readonly Reason[];
}

/** From this on a connection is no longer good, and from the second figure on it is poor. */
export const LOSS_LIMITS = [0.02, 0.08] as const;
export const RTT_LIMITS_MS = [250, 600] as const;

/** The share of a new report in the mean; one report a second, so about the last 4 s count. */
const WEIGHT = 0.3;

const mix = (before: number, now: number): number => before + WEIGHT * (now - before);

/** The running mean of loss and round trip; one lost packet is no weather. */
export function smooth(before: ConnectionReport | null, now: ConnectionReport): ConnectionReport {
  if (before === null) return now;
  return {
    ...now,
    rtt_ms:
      now.rtt_ms === null || before.rtt_ms === null ? now.rtt_ms : mix(before.rtt_ms, now.rtt_ms),
    loss_up: mix(before.loss_up, now.loss_up),
    loss_down: mix(before.loss_down, now.loss_down),
  };
}

function grade(value: number, [fair, poor]: readonly [number, number]): Level {
  return value >= poor ? 'poor' : value >= fair ? 'fair' : 'good';
}

const SEVERITY: Readonly<Record<Level, number>> = { good: 0, fair: 1, poor: 2 };

/** What to tell the person about these figures. */
export function assess(report: ConnectionReport): Assessment {
  const findings: { level: Level; reason: Reason }[] = [
    {
      level: grade(report.loss_up, LOSS_LIMITS),
      reason: { code: 'loss_up', percent: report.loss_up * 100 },
    },
    {
      level: grade(report.loss_down, LOSS_LIMITS),
      reason: { code: 'loss_down', percent: report.loss_down * 100 },
    },
    {
      level: grade(report.rtt_ms ?? 0, RTT_LIMITS_MS),
      reason: { code: 'slow', ms: report.rtt_ms ?? 0 },
    },
    // It works, but a lost packet holds up all that follow.
    { level: report.over_tcp ? 'fair' : 'good', reason: { code: 'over_tcp' } },
    // Smaller pictures are what an adaptive call is for: no alarm.
    {
      level: report.bandwidth_limited ? 'fair' : 'good',
      reason: { code: 'bandwidth', kbps: (report.bandwidth_down ?? 0) / 1000 },
    },
  ];
  const wrong = findings
    .filter(({ level }) => level !== 'good')
    .sort((a, b) => SEVERITY[b.level] - SEVERITY[a.level]);
  return { level: wrong[0]?.level ?? 'good', reasons: wrong.map(({ reason }) => reason) };
}
