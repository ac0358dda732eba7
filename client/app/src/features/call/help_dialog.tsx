import { type Key, useText } from '../../i18n';
import { Dialog } from '../../primitives/dialog';

const KEYS: readonly (readonly [string, Key])[] = [
  ['M', 'keys.mute'],
  ['V', 'keys.camera'],
  ['S', 'keys.share'],
  ['P', 'keys.people'],
  ['Y', 'keys.layout'],
  ['F', 'keys.fullscreen'],
  ['L', 'keys.leave'],
  ['?', 'keys.help'],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  return (
    <Dialog title={t('keys.title')} onClose={onClose} testId="help-dialog">
      <dl className="keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(meaning)}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>{t('keys.space_name')}</kbd>
          </dt>
          <dd>{t('keys.space')}</dd>
        </div>
      </dl>
    </Dialog>
  );
}
