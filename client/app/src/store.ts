import { useSyncExternalStore } from 'react';

/** Anything that publishes one immutable state: a Room, a LocalMedia, a Visit. */
export interface Store<S> {
  readonly state: S;
  readonly subscribe: (listener: () => void) => () => void;
}

export function useStore<S>(store: Store<S>): S {
  return useSyncExternalStore(store.subscribe, () => store.state);
}
