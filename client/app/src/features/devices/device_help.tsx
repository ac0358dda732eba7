import type { DeviceProblem, InputKind } from '@liaison/sdk';
import { type Key, useText } from '../../i18n';
import { type Platform, platform } from '../../platform';
import { Button, IconButton } from '../../primitives/button';
import { Icon } from '../../primitives/icon';

/** What to do about it, for the browser at hand. */
export function adviceFor(problem: DeviceProblem, { browser, system }: Platform): Key {
  if (problem === 'denied') {
    if (system === 'ios' || system === 'android') return `help.denied.${system}`;
    return `help.denied.${browser}`;
  }
  if (problem === 'system') {
    if (system === 'mac' || system === 'windows') return `help.system.${system}`;
    return system === 'other' ? 'help.system.other' : 'help.system.phone';
  }
  return `help.${problem}`;
}

function titleOf(kind: InputKind | 'both', problem: DeviceProblem): Key {
  if (kind !== 'both') return `help.${kind}.${problem}`;
  if (problem === 'denied' || problem === 'dismissed') return `help.both.${problem}`;
  return 'help.both.insecure';
}

interface DeviceHelpProps {
  kind: InputKind | 'both';
  problem: DeviceProblem;
  /** Absent where trying again changes nothing. */
  onRetry?: (() => void) | undefined;
  /** Absent where the words are in nobody's way. */
  onClose?: () => void;
}

export function DeviceHelp({ kind, problem, onRetry, onClose }: DeviceHelpProps) {
  const { t } = useText();
  return (
    <div className="notice" role="status" data-testid={`${kind}-help`} data-problem={problem}>
      <Icon name={kind === 'microphone' ? 'microphone_off' : 'camera_off'} />
      <div>
        <h3>{t(titleOf(kind, problem))}</h3>
        <p>{t(adviceFor(problem, platform()))}</p>
        {onRetry && (
          <Button icon="retry" onClick={onRetry} data-testid={`${kind}-retry`}>
            {t('device.retry')}
          </Button>
        )}
      </div>
      {onClose && <IconButton icon="close" label={t('dialog.close')} onClick={onClose} />}
    </div>
  );
}
