import type { DeviceProblem, InputKind } from '@liaison/sdk';
import { useState, useSyncExternalStore } from 'react';
import { useText } from '../../i18n';
import { Icon } from '../../primitives/icon';
import { platform } from '../../platform';
import { useStore } from '../../store';
import { useCall } from '../call/call_context';
import { adviceFor, DeviceHelp } from './device_help';

/** What is wrong with one's own devices during a call, until it is waved away. */
export function CallProblems() {
  const { media, monitor } = useCall();
  const { microphone, camera, screen } = useStore(media);
  const dead = useSyncExternalStore(monitor.subscribe, () => monitor.state.dead);
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  const problems: [InputKind, DeviceProblem | null][] = [
    ['microphone', microphone.on ? (microphone.problem ?? (dead ? 'silent' : null)) : null],
    ['camera', camera.on ? camera.problem : null],
  ];
  return (
    <div className="call-problems">
      {problems.map(([kind, problem]) => {
        const id = `${kind} ${problem}`;
        if (problem === null || dismissed.includes(id)) return null;
        return (
          <DeviceHelp
            key={kind}
            kind={kind}
            problem={problem}
            onRetry={problem === 'silent' ? undefined : () => void media.retry(kind)}
            onClose={() => setDismissed([...dismissed, id])}
          />
        );
      })}
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
