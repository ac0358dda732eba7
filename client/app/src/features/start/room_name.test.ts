import { isRoomName } from '@liaison/sdk';
import { describe, expect, it } from 'vitest';
import { makeRoomName, readRoom, suggestRoomName } from './room_name';

it('a new name is readable, valid and another one each time', () => {
  const names = Array.from({ length: 200 }, () => makeRoomName());
  for (const name of names) {
    expect(name).toMatch(/^[a-z]+-[a-z]+-[a-z]+-[1-9]\d\d$/);
    expect(isRoomName(name)).toBe(true);
  }
  expect(new Set(names).size).toBe(200);
});

describe('what was typed', () => {
  it('is a name or a link', () => {
    expect(readRoom(' tea ')).toEqual({ room: 'tea', fragment: '' });
    expect(readRoom('https://talk.example/r/tea')).toEqual({ room: 'tea', fragment: '' });
    expect(readRoom('https://talk.example/r/tea/?x=1#v4.public.abc')).toEqual({
      room: 'tea',
      fragment: '#v4.public.abc',
    });
  });

  it('may be neither', () => {
    expect(readRoom('')).toBeNull();
    expect(readRoom('Tea Time')).toBeNull();
    expect(readRoom('https://talk.example/somewhere/else')).toBeNull();
    expect(readRoom('https://talk.example/r/Tea')).toBeNull();
  });

  it('gets the nearest name that is one', () => {
    expect(suggestRoomName('Réunion de Mardi!')).toBe('reunion-de-mardi');
    expect(suggestRoomName('会议')).toBe('tuesday-call');
    for (const typed of ['  ', 'Ä'.repeat(100), '-a-', 'x y']) {
      expect(isRoomName(suggestRoomName(typed))).toBe(true);
    }
  });
});
