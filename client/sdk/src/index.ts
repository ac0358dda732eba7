// The public names of the SDK.

export { type Clock, systemClock } from './clock';
export { canChooseSpeaker, canShareScreen, setSpeaker } from './quirks';
export type { Device, DeviceList, InputKind, Permission } from './devices';
export { permission } from './devices';
export {
  DEVICE_PROBLEMS,
  DeviceError,
  type DeviceProblem,
  type Failure,
  type FailureCode,
  SERVER_ERROR_CODES,
} from './errors';
export {
  AUDIBLE,
  isBlack,
  isDead,
  isSilent,
  LevelMeter,
  listen,
  meterShare,
  type SilenceWatch,
  watchSilence,
} from './level_meter';
export {
  cleanName,
  type ConnectionReport,
  isRoomName,
  type Person,
  type PersonId,
  type Publish,
  type Quality,
  type ServerError,
  type Shown,
  type View,
} from './messages';
export type { SlotMedia } from './peer_connection';
export {
  assess,
  type Assessment,
  type Level,
  LOSS_LIMITS,
  type Reason,
  RTT_LIMITS_MS,
} from './quality';
export { type Environment, type JoinOptions, Room, type RoomOptions, signalingUrl } from './room';
export { IDLE, isOver, type Phase, type RoomState, withoutPlace } from './room_state';
export { type Session, SessionMemory, type SessionOptions } from './session';
export type { ScreenContent } from './publishing';
export { tcpOnlyConnection } from './tcp_only';
export {
  type Figures,
  FROZEN_LIMITS_MS,
  FROZEN_OVER_MS,
  REPAIR_LIMITS,
  type Row,
  type RowId,
  rowsOf,
  StatisticsHistory,
  type StreamFigures,
} from './statistics';
export {
  isLive,
  LocalMedia,
  type LocalMediaOptions,
  type LocalMediaState,
  type ScreenSource,
  type Source,
} from './tracks';
