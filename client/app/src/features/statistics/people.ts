// Whose streams are whose: pure. A stream names its track, and a slot says who is in it.

import type { PersonId, StreamFigures } from '@liaison/sdk';

export interface Line {
  /** "" for oneself. */
  readonly person: PersonId;
  readonly screen: boolean;
  readonly streams: readonly StreamFigures[];
}

/** What carries a person: the ids of the tracks of the slot. */
export interface Carrier {
  readonly person: PersonId;
  readonly screen: boolean;
  readonly tracks: readonly string[];
}

/** Oneself first, then the others in the order of `carriers`; who sends nothing has no line. */
export function linesOf(streams: readonly StreamFigures[], carriers: readonly Carrier[]): Line[] {
  const own = streams.filter(({ direction }) => direction === 'sent');
  const received = streams.filter(({ direction }) => direction === 'received');
  const lines: Line[] = [{ person: '', screen: false, streams: own }];
  for (const { person, screen, tracks } of carriers) {
    lines.push({
      person,
      screen,
      streams: received.filter(({ track }) => track !== '' && tracks.includes(track)),
    });
  }
  return lines.filter((line) => line.streams.length > 0);
}

/** The best of the pictures of a line; null where there is only sound. */
export function pictureOf({ streams }: Line): StreamFigures | null {
  const pictures = streams.filter(({ kind, width }) => kind === 'video' && width > 0);
  return pictures.sort((a, b) => b.width - a.width)[0] ?? null;
}

/** Lost packets, % of all. */
export function lostOf({ streams }: Line): number {
  const lost = streams.reduce((sum, stream) => sum + stream.lost, 0);
  const packets = streams.reduce((sum, stream) => sum + stream.packets, 0);
  return lost === 0 ? 0 : (lost / (lost + packets)) * 100;
}
