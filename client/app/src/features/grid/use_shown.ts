import type { PersonId, Room } from '@liaison/sdk';
import { useEffect, useSyncExternalStore } from 'react';
import type { Placed } from './layout';
import { viewOf } from './view';

function watchPage(onChange: () => void): () => void {
  document.addEventListener('visibilitychange', onChange);
  // Zooming, or moving to another display, changes what a CSS pixel is.
  window.addEventListener('resize', onChange);
  return () => {
    document.removeEventListener('visibilitychange', onChange);
    window.removeEventListener('resize', onChange);
  };
}

/** Tells the room who is shown; the room tells the server when that is worth a word. */
export function useShown(
  room: Room,
  placed: readonly Placed[],
  people: readonly PersonId[],
  screenTile: string | null,
): void {
  const visible = useSyncExternalStore(watchPage, () => document.visibilityState !== 'hidden');
  const ratio = useSyncExternalStore(watchPage, () => window.devicePixelRatio);
  useEffect(() => {
    // Before it is measured the stage has no tiles, which is not the same as showing nobody.
    if (placed.length === 0) return;
    room.show(viewOf(placed, new Set(people), screenTile, ratio, visible));
  }, [room, placed, people, screenTile, ratio, visible]);
}
