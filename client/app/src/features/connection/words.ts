// The state of one's own connection, in words.

import type { Assessment, Phase, Reason } from '@liaison/sdk';
import type { Key, Translate } from '../../i18n';

export function reasonText(reason: Reason, t: Translate): string {
  switch (reason.code) {
    case 'loss_up':
    case 'loss_down':
      return t(`state.${reason.code}`, { percent: reason.percent });
    case 'slow':
      return t('state.slow', { ms: Math.round(reason.ms) });
    case 'over_tcp':
      return t('state.over_tcp');
    case 'bandwidth':
      return t('state.bandwidth', { kbps: Math.round(reason.kbps) });
  }
}

const ADVICE: Readonly<Record<Reason['code'], Key>> = {
  loss_up: 'state.advice_loss',
  loss_down: 'state.advice_loss',
  slow: 'state.advice_slow',
  over_tcp: 'state.advice_tcp',
  bandwidth: 'state.advice_bandwidth',
};

/** What to do about it, each advice once. */
export function advice(assessment: Assessment): Key[] {
  return [...new Set(assessment.reasons.map(({ code }) => ADVICE[code]))];
}

/** What is the matter while the call is not as it should be, and what that means. */
export function troubleText(phase: Phase, t: Translate): string[] {
  if (phase === 'repairing') return [t('banner.repairing')];
  if (phase === 'reconnecting') return [t('banner.reconnecting'), t('banner.reconnecting_safe')];
  return [];
}

/** The short form, for the bar above the call. */
export function stateText(phase: Phase, assessment: Assessment | null, t: Translate): string {
  switch (phase) {
    case 'idle':
    case 'joining':
      return t('state.joining');
    case 'connecting':
    case 'repairing':
    case 'reconnecting':
      return t(`state.${phase}`);
    case 'connected':
      return assessment === null ? t('state.connected') : t(`state.${assessment.level}`);
    case 'left':
    case 'failed':
      return '';
  }
}
