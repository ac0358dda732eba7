// What can go wrong, by stable codes. The words for people are the application's.

/** Error codes of the protocol (docs/protocol.md). */
export const SERVER_ERROR_CODES = [
  'bad_message',
  'unknown_type',
  'not_joined',
  'already_joined',
  'version_unsupported',
  'bad_room',
  'bad_name',
  'token_required',
  'token_invalid',
  'token_expired',
  'token_used',
  'token_wrong_room',
  'room_full',
  'server_full',
  'rate_limited',
  'message_too_large',
  'bad_offer',
  'join_timeout',
  'replaced',
  'shutting_down',
] as const;
export type ServerErrorCode = (typeof SERVER_ERROR_CODES)[number];

/** Why a room cannot go on. `unknown` stands for a code that this client does not know yet. */
export type FailureCode = ServerErrorCode | 'unknown';

export interface Failure {
  readonly code: FailureCode;
  /** The server's own words, in English: for logs and support. */
  readonly message: string;
  /** Trying again makes no sense before this much time, ms. */
  readonly retryAfterMs: number | null;
}

/** Why a device gives nothing, or not what it should. */
export const DEVICE_PROBLEMS = [
  /** The person, or a policy, said no; the browser will not ask again. */
  'denied',
  /** The browser's question was closed without an answer; it can be asked again. */
  'dismissed',
  /** The operating system refuses the browser. */
  'system',
  /** Another program holds the device, or it does not start. */
  'busy',
  /** There is no such device. */
  'missing',
  /** The page is not served securely, so that the browser has no devices for it. */
  'insecure',
  /** The device cannot do what was asked. */
  'overconstrained',
  /** The microphone gives no sound at all. */
  'silent',
  /** The camera gives a black picture. */
  'black',
  /** The device was unplugged or taken away during use. */
  'lost',
] as const;
export type DeviceProblem = (typeof DEVICE_PROBLEMS)[number];

/** A device could not be opened. `code` is stable; `message` is the browser's. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
  constructor(
    readonly code: DeviceProblem,
    message: string,
  ) {
    super(message);
  }
}

/** The codes after which the same request can succeed by itself, a moment later. */
const PASSING: ReadonlySet<string> = new Set(['rate_limited', 'join_timeout', 'shutting_down']);

/** Whether the client should simply come back after this error. */
export function isPassing(code: string): boolean {
  return PASSING.has(code);
}

/** The code as this client knows it. */
export function failureCode(code: string): FailureCode {
  return (SERVER_ERROR_CODES as readonly string[]).includes(code)
    ? (code as ServerErrorCode)
    : 'unknown';
}
