import { useText } from '../../i18n';
import { usePreference } from '../../preferences';
import { Dialog } from '../../primitives/dialog';
import { Icon, type IconName } from '../../primitives/icon';
import { LanguageChoice, ThemeChoice } from '../../primitives/page';
import type { Actions } from './actions';
import { useFullscreen } from './fullscreen';

interface MoreProps {
  actions: Actions;
  onClose: () => void;
}

export function MoreDialog({ actions, onClose }: MoreProps) {
  const { t } = useText();
  const [layout] = usePreference('layout');
  const full = useFullscreen();
  const closing = (action: () => void) => () => {
    onClose();
    action();
  };
  return (
    <Dialog title={t('call.more')} onClose={onClose} testId="more-dialog">
      <div className="more-list">
        <Item icon="settings" label={t('device.title')} onClick={() => actions.open('devices')} />
        <Item
          icon={layout === 'grid' ? 'speaker_view' : 'grid'}
          label={t(layout === 'grid' ? 'call.layout_speaker' : 'call.layout_grid')}
          onClick={closing(() => actions.toggleLayout())}
        />
        <Item
          icon={full ? 'fullscreen_exit' : 'fullscreen'}
          label={t(full ? 'call.fullscreen_exit' : 'call.fullscreen')}
          onClick={closing(() => actions.toggleFullscreen())}
        />
        <Item icon="link" label={t('call.copy_link')} onClick={closing(() => actions.copyLink())} />
        <Item icon="keyboard" label={t('call.help')} onClick={() => actions.open('help')} />
      </div>
      <div className="more-settings">
        <LanguageChoice />
        <ThemeChoice />
      </div>
    </Dialog>
  );
}

function Item(props: { icon: IconName; label: string; onClick: () => void }) {
  return (
    <button type="button" className="more-item" onClick={props.onClick} data-icon={props.icon}>
      <Icon name={props.icon} />
      <span>{props.label}</span>
    </button>
  );
}
