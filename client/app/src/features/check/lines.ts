// What came of the test, line by line, each with what to do next. Pure.

import { assess, type DeviceProblem, type InputKind } from '@liaison/sdk';
import type { Key, Translate } from '../../i18n';
import { type Platform } from '../../platform';
import { advice } from '../connection/words';
import { adviceFor } from '../devices/device_help';
import type { PathState, Verdict } from './path_check';

export type Mark = 'running' | 'good' | 'fair' | 'poor' | 'unknown';

export interface CheckLine {
  readonly id: InputKind | 'server' | 'udp' | 'tcp' | 'quality';
  readonly mark: Mark;
  readonly words: readonly string[];
}

export interface DeviceFacts {
  readonly on: boolean;
  readonly live: boolean;
  readonly problem: DeviceProblem | null;
  /** Somebody was heard, or a picture was not black; null while that is not known. */
  readonly works: boolean | null;
}

const TROUBLE = { microphone: 'silent', camera: 'black' } as const;

export function deviceLine(
  id: InputKind,
  { on, live, problem, works }: DeviceFacts,
  over: boolean,
  here: Platform,
  t: Translate,
): CheckLine {
  if (problem !== null) {
    return { id, mark: 'poor', words: [t(`help.${id}.${problem}`), t(adviceFor(problem, here))] };
  }
  if (!on) return { id, mark: 'unknown', words: [t('check.switched_off')] };
  if (live && works === true) return { id, mark: 'good', words: [t(`check.${id}_works`)] };
  if (!over) return { id, mark: 'running', words: [t(`check.${id}_running`)] };
  const trouble = TROUBLE[id];
  return { id, mark: 'fair', words: [t(`help.${id}.${trouble}`), t(`help.${trouble}`)] };
}

const MARKS: Readonly<Record<Verdict, Mark>> = {
  running: 'running',
  passed: 'good',
  failed: 'poor',
  skipped: 'unknown',
};

export function pathLines(state: PathState, t: Translate): CheckLine[] {
  const { server, failure, udp, tcp } = state;
  const verdictLine = (id: 'udp' | 'tcp', verdict: Verdict, other: Verdict): CheckLine => {
    if (verdict === 'skipped') return { id, mark: 'unknown', words: [t('check.skipped')] };
    // One of the two is enough for a call, the first is better.
    if (verdict === 'failed') {
      return other === 'passed'
        ? { id, mark: 'fair', words: [t(`check.${id}_failed`)] }
        : { id, mark: 'poor', words: [t('check.closed')] };
    }
    const carries = id === 'tcp' && verdict === 'passed' && other === 'failed';
    const words = t(carries ? 'check.tcp_carries' : `check.${id}_${verdict}`);
    return { id, mark: MARKS[verdict], words: [words] };
  };
  const serverWords =
    server === 'failed' && failure !== null && failure !== 'unknown'
      ? t(`failed.${failure}`)
      : t(`check.server_${server === 'skipped' ? 'passed' : server}`);
  const first: CheckLine = { id: 'server', mark: MARKS[server], words: [serverWords] };
  if (server === 'failed') {
    // Nobody knows whether these are open.
    const untested = (['udp', 'tcp', 'quality'] as const).map((id): CheckLine => {
      return { id, mark: 'unknown', words: [t('check.without_server')] };
    });
    return [first, ...untested];
  }
  return [first, verdictLine('udp', udp, tcp), verdictLine('tcp', tcp, udp), qualityLine(state, t)];
}

function qualityLine({ quality, report }: PathState, t: Translate): CheckLine {
  const id = 'quality';
  if (quality === 'skipped') return { id, mark: 'unknown', words: [t('check.skipped')] };
  if (quality !== 'passed' || report === null) {
    const key: Key = quality === 'failed' ? 'check.quality_failed' : 'check.quality_running';
    return { id, mark: MARKS[quality], words: [t(key)] };
  }
  const assessment = assess(report);
  const figures = t('check.quality_figures', {
    ms: Math.round(report.rtt_ms ?? 0),
    lost_up: report.loss_up * 100,
    lost_down: report.loss_down * 100,
    up: Math.round(report.bitrate_up / 1000),
    down: Math.round(report.bitrate_down / 1000),
  });
  return {
    id,
    mark: assessment.level,
    words: [t(`state.${assessment.level}`), figures, ...advice(assessment).map((key) => t(key))],
  };
}
