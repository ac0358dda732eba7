// Two kinds of address: "/" starts, "/r/NAME" is a room.

import { useSyncExternalStore } from 'react';

export type Route =
  | { readonly page: 'start' }
  | { readonly page: 'room'; readonly room: string }
  | { readonly page: 'unknown' };

export function parseRoute(path: string): Route {
  if (path === '/' || path === '') return { page: 'start' };
  const match = /^\/r\/([^/]+)\/?$/.exec(path);
  if (match === null) return { page: 'unknown' };
  try {
    return { page: 'room', room: decodeURIComponent(match[1] ?? '') };
  } catch {
    return { page: 'unknown' };
  }
}

const listeners = new Set<() => void>();

export function navigate(path: string): void {
  history.pushState(null, '', path);
  for (const listener of [...listeners]) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => location.pathname));
}

/** The link to a room, without any invitation. */
export function roomLink(room: string): string {
  return `${location.origin}/r/${room}`;
}

/** The join token in a URL's fragment: "#v4.public…" or "#token=v4.public…". */
export function tokenIn(fragment: string): string | undefined {
  const text = fragment.replace(/^#/, '').replace(/^token=/, '');
  return /^v\d+\.[a-z]+\.[\w.-]+$/.test(text) ? text : undefined;
}

/** Takes the token out of the address bar, once it has done its work. */
export function hideFragment(): void {
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
}
