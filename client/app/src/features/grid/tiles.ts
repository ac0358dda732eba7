// Who is to be seen, and how important: pure.

import type { Person, PersonId, RoomState } from '@liaison/sdk';

export interface StageChoice {
  readonly tile: string;
  readonly kind: 'screen' | 'person';
}

/** The tile of a person's shared screen. */
export const screenTile = (person: PersonId): string => `screen:${person}`;

/**
 * What takes the stage: somebody's screen before anything else; in the speaker layout the person
 * who speaks, or spoke last.
 */
export function chooseStage(
  state: Pick<RoomState, 'screen' | 'people'>,
  layout: 'grid' | 'speaker',
  lastSpeaker: PersonId | null,
): StageChoice | null {
  if (state.screen !== null) return { tile: screenTile(state.screen), kind: 'screen' };
  if (layout === 'grid' || state.people.length < 2) return null;
  const speaker = state.people.find(({ id }) => id === lastSpeaker) ?? state.people[0];
  return speaker === undefined ? null : { tile: speaker.id, kind: 'person' };
}

/**
 * In the order of joining, so that nobody jumps about; only where not all find room does who has a
 * picture or speaks come first. `placeless` are those of whom nothing comes.
 */
export function orderPeople(
  people: readonly Person[],
  room: number,
  lastSpeaker: PersonId | null,
  placeless: ReadonlySet<PersonId> = new Set(),
): readonly PersonId[] {
  const ids = people.map(({ id }) => id);
  if (people.length <= room) return ids;
  const weight = ({ id, camera }: Person): number =>
    id === lastSpeaker ? 2 : camera && !placeless.has(id) ? 1 : 0;
  return [...people].sort((a, b) => weight(b) - weight(a)).map(({ id }) => id);
}
