import { useEffect, useRef } from 'react';
import type { Actions } from './actions';
import { useCall } from './call_context';

type Simple = (actions: Actions) => void;

const SHORTCUTS: Readonly<Record<string, Simple>> = {
  m: (actions) => actions.toggleMicrophone(),
  v: (actions) => actions.toggleCamera(),
  s: (actions) => actions.toggleScreen(),
  p: (actions) => actions.open('people'),
  y: (actions) => actions.toggleLayout(),
  f: (actions) => actions.toggleFullscreen(),
  l: (actions) => actions.open('leave'),
  '?': (actions) => actions.open('help'),
};

/** Where a key belongs to what has the focus. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, dialog') !== null;
}
function isPressable(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, a, summary') !== null;
}

/** Single keys, as long as nothing is being typed and no dialog is open. */
export function useShortcuts(actions: Actions, suspended: boolean): void {
  const { media } = useCall();
  const held = useRef(false);
  useEffect(() => {
    if (suspended) return;
    const release = () => {
      if (!held.current) return;
      held.current = false;
      actions.holdMicrophone(false);
    };
    const down = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === ' ') {
        if (isPressable(event.target)) return;
        event.preventDefault();
        if (event.repeat || media.state.microphone.on) return;
        held.current = true;
        actions.holdMicrophone(true);
      } else if (!event.repeat) {
        SHORTCUTS[event.key.toLowerCase()]?.(actions);
      }
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === ' ') release();
    };
    addEventListener('keydown', down);
    addEventListener('keyup', up);
    addEventListener('blur', release);
    return () => {
      release();
      removeEventListener('keydown', down);
      removeEventListener('keyup', up);
      removeEventListener('blur', release);
    };
  }, [actions, media, suspended]);
}
