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
} from './messages';
export type { SlotMedia } from './peer_connection';
export { assess, type Assessment, type Level, type Reason } from './quality';
export { type Environment, type JoinOptions, Room, type RoomOptions, signalingUrl } from './room';
export { IDLE, isOver, type Phase, type RoomState } from './room_state';
export { type Session, SessionMemory, type SessionOptions } from './session';
export type { Diagnostics, VideoFigures } from './stats';
export {
  isLive,
  LocalMedia,
  type LocalMediaOptions,
  type LocalMediaState,
  type ScreenSource,
  type Source,
} from './tracks';
