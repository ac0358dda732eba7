import { useEffect } from 'react';

/** Keeps the screen lit during a call, where the browser can. */
export function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let over = false;
    // The browser takes the lock away from a page that is hidden.
    const acquire = () => {
      if (document.visibilityState !== 'visible') return;
      navigator.wakeLock?.request('screen').then(
        (acquired) => {
          lock = acquired;
          if (over) void acquired.release();
        },
        () => undefined, // The battery is low, or it is not allowed.
      );
    };
    acquire();
    document.addEventListener('visibilitychange', acquire);
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', acquire);
      void lock?.release();
    };
  }, []);
}
