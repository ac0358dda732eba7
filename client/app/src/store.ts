import { useSyncExternalStore } from 'react';

/** Anything that publishes one immutable state: a Room, a LocalMedia, a Visit. */
export interface Store<S> {
  readonly state: S;
  readonly subscribe: (listener: () => void) => () => void;
}

/** What holds a state of its own and says when it is another. */
export abstract class Observable<S> implements Store<S> {
  private readonly listeners = new Set<() => void>();

  constructor(private current: S) {}

  /** Never changed in place: a new object after every change. */
  get state(): S {
    return this.current;
  }

  /** Calls back after every change of `state`, until the result is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  protected publish(state: S): void {
    this.current = state;
    for (const listener of [...this.listeners]) listener();
  }

  /** Nobody is told any more. */
  protected silence(): void {
    this.listeners.clear();
  }
}

export function useStore<S>(store: Store<S>): S {
  return useSyncExternalStore(store.subscribe, () => store.state);
}
