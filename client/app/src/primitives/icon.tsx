// The icons, drawn in lines on a field of 24 by 24. They are decoration: the words stand beside
// them, or in the label of their button.

const PATHS = {
  microphone:
    'M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z M5.5 11a6.5 6.5 0 0 0 13 0 M12 17.5V21 M8.5 21h7',
  microphone_off:
    'M15 9.4V6a3 3 0 0 0-5.7-1.3 M9 9v2a3 3 0 0 0 4.6 2.5 M5.5 11a6.5 6.5 0 0 0 10.6 5 M18.5 11c0 1-.2 2-.6 2.8 M12 17.5V21 M8.5 21h7 M4 4l16 16',
  camera:
    'M4.5 6.5h9a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2z M15.5 11l6-3.5v9l-6-3.5',
  camera_off:
    'M9.5 6.5h4a2 2 0 0 1 2 2v3.5 M15.5 15.5a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 1.6-1.96 M15.5 11l6-3.5v9l-3.5-2 M3.5 3.5l17 17',
  screen:
    'M4 4.5h16a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 15V6A1.5 1.5 0 0 1 4 4.5z M8.5 20h7 M12 13V8 M9.5 10L12 7.5 14.5 10',
  screen_off:
    'M4 4.5h16a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 15V6A1.5 1.5 0 0 1 4 4.5z M8.5 20h7 M9.5 8l5 5 M14.5 8l-5 5',
  people:
    'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z M2.5 19.5v-.5a5 5 0 0 1 5-5h3a5 5 0 0 1 5 5v.5 M16 4.8a3.5 3.5 0 0 1 0 6.4 M18 14.3a5 5 0 0 1 3.5 4.7v.5',
  grid: 'M4 4h7v7H4z M13 4h7v7h-7z M4 13h7v7H4z M13 13h7v7h-7z',
  speaker_view: 'M3.5 4.5h11.5v15H3.5z M17.5 4.5h3v4h-3z M17.5 10.5h3v4h-3z M17.5 16.5h3v3h-3z',
  fullscreen: 'M4 9V4h5 M15 4h5v5 M20 15v5h-5 M9 20H4v-5',
  fullscreen_exit: 'M9 4v5H4 M20 9h-5V4 M15 20v-5h5 M4 15h5v5',
  more: 'M5 12h.01 M12 12h.01 M19 12h.01',
  leave:
    'M2.8 14.2c5-5 13.4-5 18.4 0 .6.6.6 1.5.1 2.1l-1.5 1.7c-.5.6-1.4.70-2 .30l-2.3-1.5a1.5 1.5 0 0 1-.6-1.6l.4-1.7a12 12 0 0 0-6.6 0l.4 1.7a1.5 1.5 0 0 1-.6 1.6l-2.3 1.5c-.6.4-1.5.30-2-.3l-1.5-1.7c-.5-.6-.5-1.5.1-2.1z',
  link: 'M10 14a4 4 0 0 0 5.7 0l3.5-3.5a4 4 0 0 0-5.7-5.7L12 6.3 M14 10a4 4 0 0 0-5.7 0l-3.5 3.5a4 4 0 0 0 5.7 5.7L12 17.7',
  check: 'M4.5 12.5l5 5 10-11',
  close: 'M6 6l12 12 M18 6L6 18',
  chevron: 'M6 9.5l6 6 6-6',
  settings: 'M4 7h9 M17 7h3 M4 17h3 M11 17h9 M15 4.8v4.4 M9 14.8v4.4',
  speaker: 'M4 9.5h3.5L12 5.5v13l-4.5-4H4z M15.5 9a4 4 0 0 1 0 6 M18 6.5a7.5 7.5 0 0 1 0 11',
  help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M9.5 9.5a2.5 2.5 0 1 1 3.7 2.2c-.8.45-1.2 1-1.2 1.8v.3 M12 17h.01',
  keyboard:
    'M3.5 6.5h17a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-17a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1z M6.5 10h.01 M10 10h.01 M13.5 10h.01 M17 10h.01 M8 14h8',
  warning: 'M12 4L2.8 19.5h18.4z M12 10v4.5 M12 17h.01',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M12 11v5.5 M12 7.8h.01',
  globe:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M3 12h18 M12 3c5 5.5 5 12.5 0 18-5-5.5-5-12.5 0-18z',
  appearance: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M12 3v18 M12 7.5h5 M12 12h9 M12 16.5h5',
  retry: 'M20 11a8 8 0 1 0-.7 4.5 M20 4.5V11h-6.5',
  arrow: 'M5 12h14 M13 6l6 6-6 6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 24 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      data-icon={name}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Three bars, of which as many are lit as the connection deserves. */
export function Bars({ lit, size = 18 }: { lit: 0 | 1 | 2 | 3; size?: number }) {
  return (
    <svg className="bars" width={size} height={size} viewBox="0 0 18 18" aria-hidden="true">
      {[0, 1, 2].map((i) => (
        <rect
          key={i}
          className={i < lit ? 'lit' : 'unlit'}
          x={1.5 + i * 5.5}
          y={11 - i * 4.5}
          width={4}
          height={5 + i * 4.5}
          rx={1}
        />
      ))}
    </svg>
  );
}

/** Two circles that share a part: two sides, one conversation. */
export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg className="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <circle cx="12.2" cy="16" r="6.2" />
      <circle cx="19.8" cy="16" r="6.2" />
    </svg>
  );
}
