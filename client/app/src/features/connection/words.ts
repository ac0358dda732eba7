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
  }
}

const ADVICE: Readonly<Record<Reason['code'], Key>> = {
  loss_up: 'state.advice_loss',
  loss_down: 'state.advice_loss',
  slow: 'state.advice_slow',
  over_tcp: 'state.advice_tcp',
};

/** What to do about it, each advice once. */
export function advice(assessment: Assessment): Key[] {
  return [...new Set(assessment.reasons.map(({ code }) => ADVICE[code]))];
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
