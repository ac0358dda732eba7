import { useEffect, useState } from 'react';
import { formatDuration, useText } from '../../i18n';
import { usePreference } from '../../preferences';
import { IconButton } from '../../primitives/button';
import { Logo } from '../../primitives/icon';
import { useStore } from '../../store';
import { ConnectionState } from '../connection/connection_state';
import type { Actions } from './actions';
import { useCall } from './call_context';
import { useFullscreen } from './fullscreen';

export function TopBar({ actions }: { actions: Actions }) {
  const { t } = useText();
  const { room } = useCall();
  const [layout] = usePreference('layout');
  const full = useFullscreen();
  return (
    <header className="top-bar">
      <Logo size={28} />
      <h1 className="top-room">{room.name}</h1>
      <Elapsed />
      <span className="top-space" />
      <ConnectionState />
      <span className="top-tools">
        <IconButton
          icon={layout === 'grid' ? 'speaker_view' : 'grid'}
          label={t(layout === 'grid' ? 'call.layout_speaker' : 'call.layout_grid')}
          data-testid="layout"
          data-state={layout}
          onClick={() => actions.toggleLayout()}
        />
        <IconButton
          icon="link"
          label={t('call.copy_link')}
          data-testid="copy-link"
          onClick={() => actions.copyLink()}
        />
        <IconButton
          icon={full ? 'fullscreen_exit' : 'fullscreen'}
          label={t(full ? 'call.fullscreen_exit' : 'call.fullscreen')}
          data-testid="fullscreen"
          onClick={() => actions.toggleFullscreen()}
        />
      </span>
    </header>
  );
}

function Elapsed() {
  const { t } = useText();
  const { since } = useStore(useCall().visit);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (since === null) return null;
  const time = formatDuration(now - since);
  return (
    <time className="top-time" aria-label={t('call.duration', { time })}>
      {time}
    </time>
  );
}
