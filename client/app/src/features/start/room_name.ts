// Names of rooms: made, and understood.

import { isRoomName } from '@liaison/sdk';

// Short, plain, easily said on the telephone; none sounds like another.
const WORDS =
  'amber anchor apple april arrow autumn bamboo basil beacon birch bridge brook candle canyon carbon cedar chalk cherry citrus clover cobalt comet copper coral cotton crystal daisy dawn delta desert dolphin dune eagle echo elm ember falcon feather fern fjord flint forest fountain galaxy garden ginger glacier granite harbor hazel heron hill honey horizon indigo iris island ivory ivy jade jasmine juniper lagoon lantern larch lark laurel lemon lily linen lotus lunar magnet mango maple marble meadow melon mint mirror monsoon moss mountain nectar north nutmeg oak oasis ocean olive onyx opal orange orbit orchid otter owl paper pearl pebble pepper pine planet plum pond poplar prairie quartz quiet rain raven reef ribbon river robin rocket rose ruby saffron sage sailor salmon sand sapphire shell silver sky snow solar sparrow spring spruce star stone storm summer summit sunny swan tiger timber topaz tulip tundra valley vanilla velvet violet walnut water willow wind winter zenith'.split(
    ' ',
  );

type RandomBelow = (n: number) => number;

const secureBelow: RandomBelow = (n) => {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return value % n;
};

/** A name that can be read out and is not guessed by accident: "amber-river-cedar-418". */
export function makeRoomName(below: RandomBelow = secureBelow): string {
  const words = Array.from({ length: 3 }, () => WORDS[below(WORDS.length)]);
  return [...words, 100 + below(900)].join('-');
}

/** What somebody typed as the name of a room, or pasted as its link, with its fragment. */
export interface Wanted {
  readonly room: string;
  readonly fragment: string;
}

export function readRoom(typed: string): Wanted | null {
  const text = typed.trim();
  const link = /^https?:\/\/[^/]+\/r\/([^/?#]+)[^#]*(#.*)?$/.exec(text);
  const room = link?.[1] ?? text;
  return isRoomName(room) ? { room, fragment: link?.[2] ?? '' } : null;
}

/** The nearest name that a room can have. */
export function suggestRoomName(typed: string): string {
  const plain = typed
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
  return plain === '' ? 'tuesday-call' : plain;
}
