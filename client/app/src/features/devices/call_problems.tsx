import type { InputKind } from '@liaison/sdk';
import { useSyncExternalStore } from 'react';
import { useText } from '../../i18n';
import { Icon } from '../../primitives/icon';
import { platform } from '../../platform';
import { useStore } from '../../store';
import { useCall } from '../call/call_context';
import { adviceFor, DeviceHelp } from './device_help';

/** What is wrong with one's own devices during a call, where it does not hide the others. */
export function CallProblems() {
  const { media, monitor } = useCall();
  const { microphone, camera, screen } = useStore(media);
  const silent = useSyncExternalStore(monitor.subscribe, () => monitor.state.silent);
  const retry = (kind: InputKind) => () => void media.retry(kind);
  return (
    <div className="call-problems">
      {microphone.on && microphone.problem && (
        <DeviceHelp kind="microphone" problem={microphone.problem} onRetry={retry('microphone')} />
      )}
      {silent && !microphone.problem && <DeviceHelp kind="microphone" problem="silent" />}
      {camera.on && camera.problem && (
        <DeviceHelp kind="camera" problem={camera.problem} onRetry={retry('camera')} />
      )}
      {screen.problem && <ScreenHelp bySystem={screen.problem === 'system'} />}
    </div>
  );
}

function ScreenHelp({ bySystem }: { bySystem: boolean }) {
  const { t } = useText();
  return (
    <div className="notice" role="status" data-testid="screen-help">
      <Icon name="screen_off" />
      <div>
        <h3>{t(bySystem ? 'help.screen.system' : 'help.screen.failed')}</h3>
        <p>{t(bySystem ? adviceFor('system', platform()) : 'help.screen.retry')}</p>
      </div>
    </div>
  );
}
