import { expect, it } from 'vitest';
import { parseRoute, tokenIn } from './router';

it('an address is the start page, a room, or unknown', () => {
  expect(parseRoute('/')).toEqual({ page: 'start' });
  expect(parseRoute('/r/tea')).toEqual({ page: 'room', room: 'tea' });
  expect(parseRoute('/r/tea/')).toEqual({ page: 'room', room: 'tea' });
  expect(parseRoute('/r/t%20a')).toEqual({ page: 'room', room: 't a' });
  expect(parseRoute('/r/%E0%A4%A')).toEqual({ page: 'unknown' });
  expect(parseRoute('/r/')).toEqual({ page: 'unknown' });
  expect(parseRoute('/r/a/b')).toEqual({ page: 'unknown' });
});

it('a token is found in the fragment, with its name or without', () => {
  expect(tokenIn('#v4.public.abc-_DEF')).toBe('v4.public.abc-_DEF');
  expect(tokenIn('#token=v4.public.abc.footer')).toBe('v4.public.abc.footer');
  expect(tokenIn('#section')).toBeUndefined();
  expect(tokenIn('#v4.public.<script>')).toBeUndefined();
  expect(tokenIn('')).toBeUndefined();
});
