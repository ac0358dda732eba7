import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  BadMessage,
  cleanName,
  encode,
  isRoomName,
  parseClientMessage,
  parseServerMessage,
} from './messages';

interface BadJoin {
  message: { name: string };
}

const GOLDEN = new URL('../../../protocol/client/', import.meta.url);
const golden = readdirSync(GOLDEN).filter((file) => file.endsWith('.json'));

describe('the golden messages', () => {
  it('are there', () => {
    expect(golden.length).toBeGreaterThan(14);
  });

  it.each(golden)('%s is read and written again without change', (file) => {
    const json = readFileSync(new URL(file, GOLDEN), 'utf8');
    const value: unknown = JSON.parse(json);
    const reads = [parseServerMessage, parseClientMessage].flatMap((parse) => {
      try {
        return [parse(json)];
      } catch (error) {
        expect(error).toBeInstanceOf(BadMessage);
        return [];
      }
    });
    expect(reads.length).toBeGreaterThan(0);
    for (const message of reads) expect(JSON.parse(encode(message))).toEqual(value);
  });
});

describe('parseServerMessage', () => {
  const speaker = { t: 'speaker', person: 'p1' };

  it('ignores members that it does not know', () => {
    expect(parseServerMessage(JSON.stringify({ ...speaker, colour: 'blue' }))).toEqual(speaker);
  });

  it('takes an optional member that is absent or null', () => {
    const error = { t: 'error', code: 'room_full', message: 'm', fatal: true };
    expect(parseServerMessage(JSON.stringify(error))).toEqual(error);
    expect(parseServerMessage(JSON.stringify({ ...error, retry_after_ms: null }))).toEqual(error);
  });

  it('shows a reason that it does not know as the one that it knows', () => {
    const paused = { t: 'paused', people: [{ person: 'p1', reason: 'weather' }], screen: 'moon' };
    expect(parseServerMessage(JSON.stringify(paused))).toEqual({
      t: 'paused',
      people: [{ person: 'p1', reason: 'bandwidth' }],
      screen: 'bandwidth',
    });
  });

  it.each([
    ['', 'not JSON'],
    ['null', 'message: expected an object'],
    ['[]', 'message: expected an object'],
    ['{}', 't: unknown type undefined'],
    ['{"t":"constructor"}', 't: unknown type constructor'],
    ['{"t":"join"}', 't: unknown type join'],
    ['{"t":"speaker"}', 'person: expected a string'],
    ['{"t":"speaker","person":7}', 'person: expected a string'],
    ['{"t":"pong","id":1.5}', 'id: expected an integer of 0 or more'],
    ['{"t":"slots","slots":{},"screen":null}', 'slots: expected a list'],
    [
      '{"t":"slots","slots":[{"slot":0,"person":null},{"slot":"x","person":null}],"screen":null}',
      'slots[1].slot: expected an integer of 0 or more',
    ],
    [
      '{"t":"connection","rtt_ms":null,"loss_up":1.5,"loss_down":0,"bitrate_up":0,"bitrate_down":0,"over_tcp":false}',
      'loss_up: expected a number from 0 to 1',
    ],
    [
      '{"t":"layers","source":"camera","encodings":[{"rid":"q","active":true,"spatial_layers":4}]}',
      'encodings[0].spatial_layers: expected an integer from 1 to 3',
    ],
    [
      '{"t":"paused","people":[{"person":"p1","reason":null}],"screen":null}',
      'people[0].reason: expected a string',
    ],
  ])('refuses %s and says where', (json, message) => {
    expect(() => parseServerMessage(json)).toThrow(new BadMessage(message));
  });
});

describe('names', () => {
  it('of rooms are a to z, 0 to 9 and -, 1 to 64 of them', () => {
    expect(['a', 'summit-2', 'x'.repeat(64)].every(isRoomName)).toBe(true);
    expect(['', 'A', 'a b', 'ä', 'a/b', 'x'.repeat(65)].some(isRoomName)).toBe(false);
  });

  it('of people are trimmed, on one line and at most 64 characters', () => {
    expect(cleanName('  Ana\n\tMaria ')).toBe('Ana Maria');
    expect(cleanName(' \u0000 ')).toBe('');
    expect([...cleanName('😀'.repeat(70))]).toHaveLength(64);
  });

  const bad = readdirSync(new URL('bad/', GOLDEN))
    .filter((file) => file.startsWith('join.name_'))
    .map((file) => JSON.parse(readFileSync(new URL(`bad/${file}`, GOLDEN), 'utf8')) as BadJoin)
    .filter(({ message }) => typeof message.name === 'string' && message.name !== '');
  it.each(bad)('that the server refuses are never sent: $message.name', ({ message }) => {
    expect(cleanName(message.name)).not.toBe(message.name);
  });
});
