// When to tell the server who is shown, and how large: a machine of values, with the time as an
// argument. It says nothing that changes nothing: a tile that grows by a tenth needs no other picture.

import { MAX_SHOWN, MAX_SIDE, type Shown, type Size, type View } from './messages';

/** At most 5 a second. */
export const VIEW_SPACING_MS = 200;
/** A side that changed by less than this share stays as it was said. */
const NOTABLE = 0.1;

export interface ViewReport {
  /** Null until the application says what it shows. */
  readonly wanted: View | null;
  /** What this connection has heard. */
  readonly said: View | null;
  /** When that was, ms. */
  readonly saidAt: number;
  /** When tick is next needed, ms; Infinity for never. */
  readonly deadline: number;
}

export interface ViewStep {
  readonly report: ViewReport;
  /** To be sent now. */
  readonly say: View | null;
}

export const NO_VIEW: ViewReport = {
  wanted: null,
  said: null,
  saidAt: -Infinity,
  deadline: Infinity,
};

const side = (pixels: number): number => Math.min(MAX_SIDE, Math.max(1, Math.round(pixels)));

/** As the protocol takes it. */
function valid({ people, screen }: View): View {
  const sized = <S extends Size>(shown: S): S => {
    return { ...shown, width: side(shown.width), height: side(shown.height) };
  };
  const byPerson = new Map<string, Shown>();
  for (const shown of people) {
    const before = byPerson.get(shown.person);
    // Shown twice: the larger one counts.
    if (before === undefined || before.width < shown.width)
      byPerson.set(shown.person, sized(shown));
  }
  return {
    people: [...byPerson.values()].slice(0, MAX_SHOWN),
    screen: screen === null ? null : sized(screen),
  };
}

function differsInSize(a: Size, b: Size): boolean {
  const far = (before: number, after: number) => Math.abs(after - before) > before * NOTABLE;
  return far(a.width, b.width) || far(a.height, b.height);
}

/** Whether the server should know. */
export function differs(before: View, after: View): boolean {
  if (before.people.length !== after.people.length) return true;
  if ((before.screen === null) !== (after.screen === null)) return true;
  if (before.screen && after.screen && differsInSize(before.screen, after.screen)) return true;
  const sizes = new Map(before.people.map((shown) => [shown.person, shown]));
  return after.people.some((shown) => {
    const size = sizes.get(shown.person);
    return size === undefined || differsInSize(size, shown);
  });
}

/** The application shows something else, or the same in other sizes. */
export function show(report: ViewReport, view: View, now: number): ViewStep {
  return tick({ ...report, wanted: valid(view) }, now);
}

/** Somebody listens who has heard nothing yet. */
export function afresh(report: ViewReport, now: number): ViewStep {
  return tick({ ...report, said: null, saidAt: -Infinity }, now);
}

/** Time has passed. */
export function tick(report: ViewReport, now: number): ViewStep {
  const { wanted, said, saidAt } = report;
  if (wanted === null || (said !== null && !differs(said, wanted))) {
    return { report: { ...report, deadline: Infinity }, say: null };
  }
  const due = saidAt + VIEW_SPACING_MS;
  if (now < due) return { report: { ...report, deadline: due }, say: null };
  return { report: { wanted, said: wanted, saidAt: now, deadline: Infinity }, say: wanted };
}
