import type { Person } from '@liaison/sdk';
import { expect, it } from 'vitest';
import { translator } from '../../i18n/text';
import { announcements } from './announcements';

const t = translator('en');
const person = (id: string, change: Partial<Person> = {}): Person => ({
  id,
  name: id.toUpperCase(),
  microphone: true,
  camera: true,
  screen: false,
  screen_audio: false,
  connected: true,
  quality: 'good',
  ...change,
});

it('says who came, who went, and who shares', () => {
  const before = [person('a'), person('b', { screen: true })];
  const after = [person('a', { screen: true }), person('c')];
  expect(announcements(before, after, t)).toEqual(['A shares a screen', 'C joined', 'B left']);
  expect(announcements(after, [person('a'), person('c')], t)).toEqual([
    'A no longer shares a screen',
  ]);
});

it('says nothing of mutes and cameras', () => {
  const muted = person('a', { microphone: false, camera: false, connected: false });
  expect(announcements([person('a')], [muted], t)).toEqual([]);
});
