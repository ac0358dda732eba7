import type { Person, Quality } from '@liaison/sdk';
import { useText } from '../../i18n';
import { Avatar } from '../../primitives/avatar';
import { IconButton } from '../../primitives/button';
import { Icon } from '../../primitives/icon';
import { useStore } from '../../store';
import { useCall, useRoomState } from '../call/call_context';
import { QualityIcon } from '../connection/quality_icon';

export function PeoplePanel({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { people, request, publish } = useRoomState();
  const { microphone, camera } = useStore(useCall().media);
  return (
    <aside className="people-panel" aria-label={t('people.title')} data-testid="people-panel">
      <header className="panel-head">
        <h2>{t('people.count', { count: people.length + 1 })}</h2>
        <IconButton icon="close" label={t('people.close')} onClick={onClose} />
      </header>
      <ul>
        <Row
          name={request?.name ?? ''}
          self
          microphone={microphone.on}
          camera={camera.on}
          screen={publish.screen}
          connected
          quality={null}
        />
        {people.map((person) => (
          <Row key={person.id} {...person} />
        ))}
      </ul>
    </aside>
  );
}

type RowProps = Pick<Person, 'name' | 'microphone' | 'camera' | 'screen' | 'connected'> & {
  quality: Quality | null;
  self?: boolean;
};

function Row({ name, self, microphone, camera, screen, connected, quality }: RowProps) {
  const { t } = useText();
  return (
    <li className="person-row" data-testid="person-row" data-name={name}>
      <Avatar name={name} />
      <span className="person-name">
        {self ? t('people.you', { name }) : name}
        {!connected && <small>{t('tile.reconnecting')}</small>}
        {screen && <small>{t('people.shares')}</small>}
      </span>
      <span className="person-icons">
        <Fact icon={microphone ? 'microphone' : 'microphone_off'} off={!microphone}>
          {t(microphone ? 'people.microphone_on' : 'tile.muted')}
        </Fact>
        {!camera && (
          <Fact icon="camera_off" off>
            {t('tile.camera_off')}
          </Fact>
        )}
        {quality !== null && <QualityIcon quality={quality} />}
      </span>
    </li>
  );
}

function Fact(props: {
  icon: 'microphone' | 'microphone_off' | 'camera_off';
  off: boolean;
  children: string;
}) {
  return (
    <span className="fact" data-off={props.off} title={props.children}>
      <Icon name={props.icon} size={18} />
      <span className="hidden">{props.children}</span>
    </span>
  );
}
