import { expect, it } from 'vitest';
import { report } from '../../../../sdk/src/testing/messages';
import { translator } from '../../i18n/text';
import type { Platform } from '../../platform';
import { deviceLine, pathLines } from './lines';
import type { PathState } from './path_check';

const t = translator('en');
const here: Platform = { browser: 'firefox', system: 'other' };
const good: PathState = {
  server: 'passed',
  failure: null,
  udp: 'passed',
  tcp: 'passed',
  quality: 'passed',
  report: report({ rtt_ms: 40, bitrate_up: 2_000_000 }),
};
const marks = (state: Partial<PathState>) =>
  pathLines({ ...good, ...state }, t).map(({ mark }) => mark);

it('all is well where all passed', () => {
  expect(marks({})).toEqual(['good', 'good', 'good', 'good']);
  expect(pathLines(good, t).at(-1)?.words.join(' ')).toContain('At least 2,000 kbit/s up');
});

it('one way to the server is enough, none is not', () => {
  expect(marks({ udp: 'failed' }).slice(1, 3)).toEqual(['fair', 'good']);
  expect(marks({ tcp: 'failed' }).slice(1, 3)).toEqual(['good', 'fair']);
  expect(marks({ udp: 'failed', tcp: 'failed' }).slice(1, 3)).toEqual(['poor', 'poor']);
});

it('a way is told by what it means beside the other', () => {
  const words = (state: Partial<PathState>) =>
    pathLines({ ...good, ...state }, t)
      .slice(1, 3)
      .map((line) => line.words.join());
  expect(words({})).toEqual([t('check.udp_passed'), t('check.tcp_passed')]);
  expect(words({ udp: 'failed' })).toEqual([t('check.udp_failed'), t('check.tcp_carries')]);
  expect(words({ tcp: 'failed' })).toEqual([t('check.udp_passed'), t('check.tcp_failed')]);
  expect(words({ udp: 'failed', tcp: 'failed' })).toEqual([t('check.closed'), t('check.closed')]);
});

it('nothing is said of ways to a server that does not answer', () => {
  const failed = { server: 'failed', udp: 'failed', tcp: 'failed', quality: 'failed' } as const;
  expect(marks(failed)).toEqual(['poor', 'unknown', 'unknown', 'unknown']);
  const [server, ...rest] = pathLines({ ...good, ...failed }, t);
  expect(server?.words).toEqual([t('check.server_failed')]);
  expect(new Set(rest.flatMap((line) => line.words))).toEqual(new Set([t('check.without_server')]));
});

it('a bad network is told with what to do', () => {
  const [, , , quality] = pathLines({ ...good, report: report({ loss_down: 0.1 }) }, t);
  expect(quality?.mark).toBe('poor');
  expect(quality?.words.at(-1)).toBe(t('state.advice_loss'));
});

it('a server by invitation is no failure', () => {
  const skipped = { udp: 'skipped', tcp: 'skipped', quality: 'skipped' } as const;
  expect(marks(skipped)).toEqual(['good', 'unknown', 'unknown', 'unknown']);
});

it('the server says itself why it let nobody in', () => {
  const [server] = pathLines({ ...good, server: 'failed', failure: 'server_full' }, t);
  expect(server?.words).toEqual([t('failed.server_full')]);
});

it('devices are good, off, waited for, or in need of help', () => {
  const line = (change: object, over = false) => {
    const facts = { on: true, live: true, problem: null, works: null, ...change };
    return deviceLine('microphone', facts, over, here, t);
  };
  expect(line({ works: true }).mark).toBe('good');
  expect(line({ on: false }).mark).toBe('unknown');
  expect(line({}).mark).toBe('running');
  expect(line({}, true)).toMatchObject({
    mark: 'fair',
    words: [t('help.microphone.silent'), t('help.silent')],
  });
  expect(line({ problem: 'denied' })).toMatchObject({
    mark: 'poor',
    words: ['The microphone is blocked', t('help.denied.firefox')],
  });
});
