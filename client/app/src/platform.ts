// Which browser this is, for words of help only: what the code does never depends on it.

export type Browser = 'chromium' | 'firefox' | 'safari';
export type System = 'mac' | 'windows' | 'android' | 'ios' | 'other';

export interface Platform {
  readonly browser: Browser;
  readonly system: System;
}

export function platformOf(userAgent: string, touchPoints: number): Platform {
  // An iPad calls itself a Mac, but a Mac has no touch screen.
  const apple = /iPhone|iPad|iPod/.test(userAgent);
  const ios = apple || (/Macintosh/.test(userAgent) && touchPoints > 1);
  const system: System = ios
    ? 'ios'
    : /Android/.test(userAgent)
      ? 'android'
      : /Windows/.test(userAgent)
        ? 'windows'
        : /Macintosh/.test(userAgent)
          ? 'mac'
          : 'other';
  const browser: Browser = /Firefox\//.test(userAgent)
    ? 'firefox'
    : /Chrom(e|ium)\//.test(userAgent)
      ? 'chromium'
      : /Safari\//.test(userAgent)
        ? 'safari'
        : 'chromium';
  return { browser, system };
}

export function platform(): Platform {
  return platformOf(navigator.userAgent, navigator.maxTouchPoints);
}
