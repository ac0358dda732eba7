// What the server must know of a layout: who is to be seen, in how many device pixels. Pure.

import type { Shown, View } from '@liaison/sdk';
import type { Placed } from './layout';

const NOTHING: View = { people: [], screen: null };

/** `people` are those of the placed tiles that are somebody's camera. */
export function viewOf(
  placed: readonly Placed[],
  people: ReadonlySet<string>,
  screenTile: string | null,
  pixelRatio: number,
  visible: boolean,
): View {
  if (!visible) return NOTHING;
  const sizeOf = ({ rect }: Placed) => ({
    width: rect.width * pixelRatio,
    height: rect.height * pixelRatio,
  });
  const shown: Shown[] = placed
    .filter(({ tile }) => people.has(tile))
    .map((one) => ({ person: one.tile, ...sizeOf(one) }));
  const screen = placed.find(({ tile }) => tile === screenTile);
  return { people: shown, screen: screen === undefined ? null : sizeOf(screen) };
}
