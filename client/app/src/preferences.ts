// What the browser remembers of a person between calls: on this device only.

import { useSyncExternalStore } from 'react';

export interface Preferences {
  /** Shown to the others. */
  name: string;
  microphoneId: string | null;
  cameraId: string | null;
  speakerId: string;
  /** null: as the browser says. */
  language: string | null;
  theme: 'auto' | 'light' | 'dark';
  layout: 'grid' | 'speaker';
}

const DEFAULTS: Preferences = {
  name: '',
  microphoneId: null,
  cameraId: null,
  speakerId: '',
  language: null,
  theme: 'auto',
  layout: 'grid',
};
const KEY = 'liaison.preferences';

let current: Preferences = { ...DEFAULTS, ...read() };
const listeners = new Set<() => void>();

function read(): Partial<Preferences> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // Forbidden or damaged: as on the first visit.
  }
}

export function preferences(): Readonly<Preferences> {
  return current;
}

export function setPreference<K extends keyof Preferences>(key: K, value: Preferences[K]): void {
  if (current[key] === value) return;
  current = { ...current, [key]: value };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Full or forbidden: it holds until the page is closed.
  }
  for (const listener of [...listeners]) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreference<K extends keyof Preferences>(
  key: K,
): [Preferences[K], (value: Preferences[K]) => void] {
  const value = useSyncExternalStore(subscribe, () => current[key]);
  return [value, (next) => setPreference(key, next)];
}
