import type { RowId } from '@liaison/sdk';
import { expect, it } from 'vitest';
import { translator } from '../../i18n/text';
import { limitText, meaningText, valueText } from './words';

const t = translator('en');
const value = (id: RowId, ...values: (number | null)[]) =>
  valueText({ id, level: 'good', values }, t);

it('values have their units', () => {
  expect(value('sent', 1239.6)).toBe('1,240 kbit/s');
  expect(value('lost', 0.5, 12.3)).toBe('0.5 % / 12 %');
  expect(value('lost', null, 2)).toBe('– % / 2 %');
  expect(value('repaired', 3)).toBe('3 %');
  expect(value('bandwidth', 900, 2600)).toBe('900 kbit/s');
  expect(value('bandwidth', 900, null)).toBe('900 kbit/s');
  expect(value('round_trip', 48.2)).toBe('48 ms');
  expect(value('frozen', null)).toBe('not measured');
});

it('limits are those of the grades', () => {
  const limit = (id: RowId, ...values: (number | null)[]) =>
    limitText({ id, level: 'good', values }, t);
  expect(limit('lost', 1, 1)).toBe('below 2 %');
  expect(limit('round_trip', 48)).toBe('below 250 ms');
  expect(limit('bandwidth', 900, 2600)).toBe('2,600 kbit/s or more');
  expect(limit('bandwidth', 2700, 2600)).toBe('all that is needed');
  expect(limit('bandwidth', null, null)).toBe('all that is needed');
});

it('each has a meaning', () => {
  expect(meaningText('frozen', t)).toContain('10 seconds');
  expect(meaningText('sent', t)).toContain('leaves this device');
});
