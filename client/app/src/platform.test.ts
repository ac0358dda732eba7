import { expect, it } from 'vitest';
import { adviceFor } from './features/devices/device_help';
import { type Platform, platformOf } from './platform';

const AGENTS: readonly [string, number, Platform][] = [
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0',
    0,
    { browser: 'chromium', system: 'windows' },
  ],
  [
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    0,
    { browser: 'firefox', system: 'other' },
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
    0,
    { browser: 'safari', system: 'mac' },
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
    5,
    { browser: 'safari', system: 'ios' },
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile/15E148 Safari/604.1',
    5,
    { browser: 'safari', system: 'ios' },
  ],
  [
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36',
    5,
    { browser: 'chromium', system: 'android' },
  ],
];

it.each(AGENTS)('knows %s (%i touch points)', (agent, touchPoints, expected) => {
  expect(platformOf(agent, touchPoints)).toEqual(expected);
});

it('gives the advice that fits the browser and the system', () => {
  const firefox: Platform = { browser: 'firefox', system: 'other' };
  expect(adviceFor('denied', firefox)).toBe('help.denied.firefox');
  expect(adviceFor('denied', { browser: 'chromium', system: 'android' })).toBe(
    'help.denied.android',
  );
  expect(adviceFor('denied', { browser: 'safari', system: 'ios' })).toBe('help.denied.ios');
  expect(adviceFor('system', { browser: 'chromium', system: 'mac' })).toBe('help.system.mac');
  expect(adviceFor('system', { browser: 'safari', system: 'ios' })).toBe('help.system.phone');
  expect(adviceFor('system', firefox)).toBe('help.system.other');
  expect(adviceFor('busy', firefox)).toBe('help.busy');
});
