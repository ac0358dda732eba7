import { canShareScreen, isLive } from '@liaison/sdk';
import { useText } from '../../i18n';
import { IconButton, RoundButton } from '../../primitives/button';
import { useStore } from '../../store';
import type { Actions } from './actions';
import { useCall, useRoomState } from './call_context';
import type { Open } from './call_page';

interface BarProps {
  actions: Actions;
  open: Open;
}

export function ControlBar({ actions, open }: BarProps) {
  const { t } = useText();
  return (
    <div className="control-bar" role="group" aria-label={t('call.controls')}>
      <MicrophoneControl actions={actions} />
      <CameraControl actions={actions} />
      {canShareScreen() && <ScreenControl actions={actions} />}
      <PeopleControl actions={actions} open={open} />
      <RoundButton
        icon="more"
        label={t('call.more')}
        aria-haspopup="dialog"
        data-testid="more"
        onClick={() => actions.open('more')}
      />
      <RoundButton
        icon="leave"
        label={t('call.leave')}
        tone="danger"
        shortcut="L"
        data-testid="leave"
        onClick={() => actions.leave()}
      />
    </div>
  );
}

function DevicesButton({ actions }: { actions: Actions }) {
  const { t } = useText();
  return (
    <IconButton
      icon="chevron"
      label={t('device.title')}
      className="round-side"
      aria-haspopup="dialog"
      onClick={() => actions.open('devices')}
    />
  );
}

function MicrophoneControl({ actions }: { actions: Actions }) {
  const { t } = useText();
  const { microphone } = useStore(useCall().media);
  const live = isLive(microphone);
  return (
    <div className="round-group">
      <RoundButton
        icon={live ? 'microphone' : 'microphone_off'}
        label={t(live ? 'call.mute' : 'call.unmute')}
        tone={live ? 'normal' : 'off'}
        shortcut="M"
        badge={microphone.problem ? '!' : undefined}
        data-testid="microphone"
        data-state={live ? 'on' : 'off'}
        onClick={() => actions.toggleMicrophone()}
      />
      <DevicesButton actions={actions} />
    </div>
  );
}

function CameraControl({ actions }: { actions: Actions }) {
  const { t } = useText();
  const { camera } = useStore(useCall().media);
  const live = isLive(camera);
  return (
    <div className="round-group">
      <RoundButton
        icon={live ? 'camera' : 'camera_off'}
        label={t(live ? 'call.camera_off' : 'call.camera_on')}
        tone={live ? 'normal' : 'off'}
        shortcut="V"
        badge={camera.problem ? '!' : undefined}
        data-testid="camera"
        data-state={live ? 'on' : 'off'}
        onClick={() => actions.toggleCamera()}
      />
      <DevicesButton actions={actions} />
    </div>
  );
}

function ScreenControl({ actions }: { actions: Actions }) {
  const { t } = useText();
  const { status } = useStore(useCall().media).screen;
  const live = status === 'live';
  return (
    <RoundButton
      icon={live ? 'screen_off' : 'screen'}
      label={t(live ? 'call.share_stop' : 'call.share')}
      hint={t(live ? 'call.share_stop' : 'call.share_long')}
      tone={live ? 'active' : 'normal'}
      shortcut="S"
      disabled={status === 'opening'}
      data-testid="screen"
      data-state={live ? 'on' : 'off'}
      onClick={() => actions.toggleScreen()}
    />
  );
}

function PeopleControl({ actions, open }: BarProps) {
  const { t } = useText();
  const { people } = useRoomState();
  return (
    <RoundButton
      icon="people"
      label={t('call.people')}
      shortcut="P"
      tone={open === 'people' ? 'active' : 'normal'}
      badge={String(people.length + 1)}
      aria-expanded={open === 'people'}
      data-testid="people"
      onClick={() => actions.open('people')}
    />
  );
}
