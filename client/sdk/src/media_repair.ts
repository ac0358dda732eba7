// When to restart ICE and when to start the peer connection afresh: a machine of values, with the
// time as an argument. It knows neither WebRTC nor the server; room_state.ts asks it and acts.
//
// docs/protocol.md, "When something breaks": disconnected for 1 s, failed, or the network changed:
// ICE restart (RFC 8445 section 9); two restarts without success within 8 s: a new connection.
// Nothing is asked for while signaling is away, since no offer could be sent.

/** Waits this long for "disconnected" to pass by itself, ms. */
export const GRACE_MS = 1000;
/** The second restart follows the first after this, ms. */
export const SECOND_RESTART_MS = 4000;
/** What has not connected after this gets a new peer connection, ms. */
export const GIVE_UP_MS = 8000;
/** Network changes come in bursts: they count once in this time, ms. */
export const MIN_SPACING_MS = 1000;

export type MediaPhase =
  /** There is no peer connection. */
  | 'none'
  /** It has not connected yet, and there was none before. */
  | 'starting'
  | 'up'
  /** Disconnected, for less than GRACE_MS: may pass. */
  | 'shaky'
  /** Lost, and being restarted. */
  | 'repairing';

export interface MediaRepair {
  readonly phase: MediaPhase;
  /** Restarts since the connection was lost. */
  readonly restarts: number;
  /** When this attempt began, ms. */
  readonly since: number;
  /** When something was last asked for, ms. */
  readonly actedAt: number;
  /** The network changed while nothing could be sent about it. */
  readonly networkChanged: boolean;
  /** When tick is next needed, ms; Infinity for never. */
  readonly deadline: number;
}

export type RepairAction = 'none' | 'restart' | 'rebuild';

export interface RepairStep {
  readonly repair: MediaRepair;
  readonly action: RepairAction;
}

export const NO_MEDIA: MediaRepair = {
  phase: 'none',
  restarts: 0,
  since: 0,
  actedAt: -Infinity,
  networkChanged: false,
  deadline: Infinity,
};

const stay = (repair: MediaRepair): RepairStep => ({ repair, action: 'none' });

/** A peer connection was made. What replaces a lost one is still a repair. */
export function created(repair: MediaRepair, now: number): RepairStep {
  const first = repair.phase === 'none' || repair.phase === 'starting';
  return stay({
    phase: first ? 'starting' : 'repairing',
    restarts: 0,
    since: now,
    actedAt: now,
    networkChanged: false,
    deadline: now + GIVE_UP_MS,
  });
}

function restart(repair: MediaRepair, now: number): RepairStep {
  const restarts = repair.restarts + 1;
  const since = restarts === 1 ? now : repair.since;
  return {
    repair: {
      phase: 'repairing',
      restarts,
      since,
      actedAt: now,
      networkChanged: false,
      deadline:
        restarts === 1
          ? now + SECOND_RESTART_MS
          : Math.max(since + GIVE_UP_MS, now + MIN_SPACING_MS),
    },
    action: 'restart',
  };
}

function rebuild(repair: MediaRepair, now: number): RepairStep {
  return { repair: created(repair, now).repair, action: 'rebuild' };
}

/** Lost: acts at once, or waits for signaling. */
function lose(repair: MediaRepair, signaling: boolean, now: number): RepairStep {
  const lost: MediaRepair = { ...repair, phase: 'repairing', restarts: 0, since: now };
  return signaling ? restart(lost, now) : stay({ ...lost, deadline: Infinity });
}

/** RTCPeerConnection.connectionState has changed. */
export function connectionChanged(
  repair: MediaRepair,
  connection: RTCPeerConnectionState,
  signaling: boolean,
  now: number,
): RepairStep {
  if (repair.phase === 'none') return stay(repair);
  switch (connection) {
    case 'connected':
      return stay({ ...repair, phase: 'up', restarts: 0, deadline: Infinity });
    case 'disconnected':
      return repair.phase === 'up'
        ? stay({ ...repair, phase: 'shaky', since: now, deadline: now + GRACE_MS })
        : stay(repair);
    case 'failed':
      if (repair.phase === 'up' || repair.phase === 'shaky') return lose(repair, signaling, now);
      // A repair that failed outright need not wait for its time, but must not spin either.
      return stay({
        ...repair,
        deadline: Math.min(repair.deadline, Math.max(now, repair.actedAt + MIN_SPACING_MS)),
      });
    case 'new':
    case 'connecting':
    case 'closed':
      return stay(repair);
  }
}

/** The device is on another network now, or on one again. */
export function networkChanged(repair: MediaRepair, signaling: boolean, now: number): RepairStep {
  if (repair.phase === 'none' || repair.phase === 'starting') return stay(repair);
  if (now < repair.actedAt + MIN_SPACING_MS) return stay(repair);
  if (!signaling) return stay({ ...repair, networkChanged: true });
  if (repair.phase === 'repairing') return restart({ ...repair, restarts: 0 }, now);
  // It may well still work: new candidates are gathered, and nothing is shown to anybody.
  return { repair: { ...repair, actedAt: now, networkChanged: false }, action: 'restart' };
}

/** Signaling is there again, and the server kept our connection. */
export function signalingBack(repair: MediaRepair, now: number): RepairStep {
  if (repair.phase === 'repairing') return restart({ ...repair, restarts: 0 }, now);
  if (repair.phase === 'starting') return rebuild(repair, now);
  return repair.networkChanged ? networkChanged(repair, true, now) : stay(repair);
}

/** The deadline has passed. */
export function tick(repair: MediaRepair, signaling: boolean, now: number): RepairStep {
  if (now < repair.deadline) return stay(repair);
  if (!signaling && repair.phase !== 'shaky') return stay({ ...repair, deadline: Infinity });
  switch (repair.phase) {
    case 'none':
    case 'up':
      return stay({ ...repair, deadline: Infinity });
    case 'shaky':
      return lose(repair, signaling, now);
    case 'starting':
      return rebuild(repair, now);
    case 'repairing':
      // After two restarts, or when a new connection has not connected either.
      return repair.restarts === 1 ? restart(repair, now) : rebuild(repair, now);
  }
}
