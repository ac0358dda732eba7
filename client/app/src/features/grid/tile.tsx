import { type Person, withoutPlace } from '@liaison/sdk';
import { type ReactNode, useSyncExternalStore } from 'react';
import { type Translate, useText } from '../../i18n';
import { Avatar } from '../../primitives/avatar';
import { Icon, Logo } from '../../primitives/icon';
import { useStore } from '../../store';
import { useCall, useRoomState } from '../call/call_context';
import { QualityIcon } from '../connection/quality_icon';
import type { Placed } from './layout';
import { placeOf } from './stage';
import { Video } from './video';

type Place = Pick<Placed, 'rect' | 'role'>;

interface Facts {
  readonly person: string;
  readonly name: string;
  readonly muted: boolean;
  readonly cameraOff: boolean;
  readonly speaking: boolean;
  readonly connected: boolean;
  /** The server holds the picture back. */
  readonly paused?: boolean;
  /** There are more people than this connection has places for. */
  readonly placeless?: boolean;
}

/** What a screen reader says of a tile. */
function labelOf(
  { name, muted, cameraOff, speaking, connected, paused, placeless }: Facts,
  t: Translate,
): string {
  const facts = [
    speaking && t('tile.speaking'),
    muted && t('tile.muted'),
    cameraOff && t('tile.camera_off'),
    paused && t('tile.paused'),
    placeless && t('tile.no_place'),
    !connected && t('tile.reconnecting'),
  ].filter(Boolean);
  return facts.length === 0 ? name : t('tile.label', { name, facts: facts.join(', ') });
}

interface FrameProps extends Place {
  facts: Facts;
  self?: boolean;
  screen?: boolean;
  /** Over the picture, where something is wrong. */
  notice?: ReactNode;
  badge?: ReactNode;
  children: ReactNode;
}

function Frame({ facts, rect, role, self, screen, notice, badge, children }: FrameProps) {
  const { t } = useText();
  return (
    <article
      className="tile"
      style={placeOf(rect)}
      aria-label={labelOf(facts, t)}
      data-testid="tile"
      data-person={facts.person}
      data-name={facts.name}
      data-role={role}
      data-self={self ?? false}
      data-screen={screen ?? false}
      data-speaking={facts.speaking}
      data-muted={facts.muted}
      data-camera={facts.cameraOff ? 'off' : 'on'}
      data-connected={facts.connected}
      data-paused={facts.paused ?? false}
      data-placeless={facts.placeless ?? false}
      data-small={rect.width < 240}
    >
      {children}
      {notice && <div className="tile-notice">{notice}</div>}
      <footer className="tile-foot">
        {facts.muted && <Icon name="microphone_off" size={16} />}
        <span className="tile-name">{facts.name}</span>
        {badge}
      </footer>
    </article>
  );
}

/** In place of a picture that would stand still: why there is none, and what helps. */
function Paused() {
  const { t } = useText();
  return (
    <div className="tile-paused" data-testid="paused">
      <p>{t('tile.paused_why')}</p>
      <p className="tile-paused-hint">{t('tile.paused_hint')}</p>
    </div>
  );
}

export function PersonTile({ person, rect, role }: Place & { person: Person }) {
  const { t } = useText();
  const { room, speaking } = useCall();
  const state = useRoomState();
  const { slots, paused: held } = state;
  const heard = useSyncExternalStore(speaking.subscribe, () => speaking.state.has(person.id));
  const track = room.slot(slots.indexOf(person.id))?.video.track;
  const { id, name, microphone, camera, connected, quality } = person;
  const paused = camera && held.people.some((one) => one.person === id);
  const placeless = connected && withoutPlace(state).has(id);
  return (
    <Frame
      rect={rect}
      role={role}
      facts={{
        person: id,
        name,
        muted: !microphone,
        cameraOff: !camera,
        speaking: heard && connected,
        connected,
        paused,
        placeless,
      }}
      notice={connected ? null : t('tile.reconnecting')}
      badge={<QualityIcon quality={quality} />}
    >
      <Avatar name={name} />
      {camera && track && !paused && <Video track={track} testId="tile-video" />}
      {connected && paused && <Paused />}
      {placeless && (
        <div className="tile-paused" data-testid="placeless">
          <p>{t('tile.no_place')}</p>
        </div>
      )}
    </Frame>
  );
}

export function SelfTile({ rect, role }: Place) {
  const { t } = useText();
  const { media, monitor, room } = useCall();
  const { microphone, camera } = useStore(media);
  const { phase, you, request } = useRoomState();
  const speaks = useSyncExternalStore(monitor.subscribe, () => monitor.state.speaking);
  const away = phase === 'reconnecting';
  const name = request?.name ?? room.name;
  return (
    <Frame
      self
      rect={rect}
      role={role}
      facts={{
        person: you ?? '',
        name: t('tile.you'),
        muted: !microphone.on || microphone.track === null,
        cameraOff: camera.track === null,
        speaking: speaks && !away,
        connected: !away,
      }}
      notice={away ? t('tile.not_sent') : null}
    >
      <Avatar name={name} />
      {camera.track && <Video track={camera.track} mirrored testId="self-video" />}
    </Frame>
  );
}

export function ScreenTile({ owner, rect, role }: Place & { owner: Person | undefined }) {
  const { t } = useText();
  const { room } = useCall();
  const paused = useRoomState().paused.screen !== null;
  const track = room.screenSlot?.video.track;
  return (
    <Frame
      screen
      rect={rect}
      role={role}
      facts={{
        person: owner?.id ?? '',
        name: t('tile.screen_of', { name: owner?.name ?? '' }),
        muted: false,
        cameraOff: false,
        speaking: false,
        connected: owner?.connected ?? true,
        paused,
      }}
      notice={owner?.connected === false ? t('tile.reconnecting') : null}
    >
      <Logo size={48} />
      {track && !paused && <Video track={track} whole testId="screen-video" />}
      {paused && <Paused />}
    </Frame>
  );
}
