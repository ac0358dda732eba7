import type { Person } from '@liaison/sdk';
import { useEffect, useRef } from 'react';
import { type Translate, useText } from '../../i18n';
import { toasts } from '../../primitives/toasts';
import { useRoomState } from './call_context';

/** What has happened between two lists of people, in words. */
export function announcements(
  before: readonly Person[],
  after: readonly Person[],
  t: Translate,
): string[] {
  const earlier = new Map(before.map((person) => [person.id, person]));
  const later = new Set(after.map(({ id }) => id));
  const words: string[] = [];
  for (const { id, name, screen } of after) {
    const was = earlier.get(id);
    if (was === undefined) words.push(t('call.joined_one', { name }));
    if (screen && !was?.screen) words.push(t('call.shares', { name }));
    if (!screen && was?.screen) words.push(t('call.shares_no_more', { name }));
  }
  for (const { id, name } of before) {
    if (!later.has(id)) words.push(t('call.left_one', { name }));
  }
  return words;
}

/** Says who comes and goes, to eyes and to screen readers. Not whom we find on joining. */
export function useAnnouncements(): void {
  const { t } = useText();
  const { people, you } = useRoomState();
  const before = useRef<readonly Person[] | null>(null);
  useEffect(() => {
    if (before.current !== null) {
      for (const words of announcements(before.current, people, t)) toasts.show(words);
    }
    before.current = you === null ? null : people;
  }, [people, you, t]);
}
