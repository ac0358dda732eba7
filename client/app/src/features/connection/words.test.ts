import type { Assessment, Phase } from '@liaison/sdk';
import { expect, it } from 'vitest';
import { translator } from '../../i18n/text';
import { advice, reasonText, stateText } from './words';

const t = translator('en');

it('reasons are told with their figures', () => {
  expect(reasonText({ code: 'loss_up', percent: 8 }, t)).toBe('your upload loses 8 % of packets');
  expect(reasonText({ code: 'loss_down', percent: 2.4 }, t)).toContain('download loses 2.4 %');
  expect(reasonText({ code: 'slow', ms: 300.4 }, t)).toContain('300 ms');
  expect(reasonText({ code: 'over_tcp' }, t)).toContain('over TCP');
  expect(reasonText({ code: 'bandwidth', kbps: 899.6 }, t)).toContain('900 kbit/s');
});

it('each advice is given once', () => {
  const both: Assessment = {
    level: 'poor',
    reasons: [
      { code: 'loss_up', percent: 9 },
      { code: 'loss_down', percent: 9 },
      { code: 'over_tcp' },
    ],
  };
  expect(advice(both)).toEqual(['state.advice_loss', 'state.advice_tcp']);
});

it('every phase of a call has its word', () => {
  const phases: Phase[] = ['joining', 'connecting', 'connected', 'repairing', 'reconnecting'];
  const words = phases.map((phase) => stateText(phase, null, t));
  expect(new Set(words).size).toBe(phases.length);
  expect(stateText('connected', { level: 'fair', reasons: [] }, t)).toBe('Fair connection');
  expect(stateText('left', null, t)).toBe('');
});
