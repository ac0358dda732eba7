// The rows of the table in words: what is measured, what is fine, and what it means.

import {
  FROZEN_LIMITS_MS,
  FROZEN_OVER_MS,
  LOSS_LIMITS,
  REPAIR_LIMITS,
  type Row,
  type RowId,
  RTT_LIMITS_MS,
} from '@liaison/sdk';
import type { Translate } from '../../i18n';

export function valueText({ id, values }: Row, t: Translate): string {
  const [first = null, second = null] = values;
  if (first === null && second === null) return t('stats.not_measured');
  switch (id) {
    case 'sent':
    case 'received':
    case 'bandwidth':
      return t('stats.kbps', { kbps: Math.round(first ?? 0) });
    case 'lost':
      return t('state.percent', { up: first ?? '–', down: second ?? '–' });
    case 'repaired':
      return t('stats.one_percent', { percent: first ?? 0 });
    case 'frozen':
    case 'round_trip':
      return t('state.ms', { count: Math.round(first ?? 0) });
  }
}

/** Up to where it is fine. */
export function limitText({ id, values }: Row, t: Translate): string {
  switch (id) {
    case 'sent':
    case 'received':
      return t(`stats.${id}_limit`);
    case 'bandwidth': {
      // With a little more than pictures need it is still short: sound and key frames need some too.
      const [available = null, wanted = null] = values;
      return available !== null && wanted !== null && available < wanted
        ? t('stats.from_kbps', { kbps: Math.round(wanted) })
        : t('stats.bandwidth_limit');
    }
    case 'lost':
      return t('stats.below_percent', { percent: LOSS_LIMITS[0] * 100 });
    case 'repaired':
      return t('stats.below_percent', { percent: REPAIR_LIMITS[0] });
    case 'frozen':
      return t('stats.below_ms', { ms: FROZEN_LIMITS_MS[0] });
    case 'round_trip':
      return t('stats.below_ms', { ms: RTT_LIMITS_MS[0] });
  }
}

export function meaningText(id: RowId, t: Translate): string {
  return id === 'frozen'
    ? t('stats.frozen_meaning', { seconds: FROZEN_OVER_MS / 1000 })
    : t(`stats.${id}_meaning`);
}
