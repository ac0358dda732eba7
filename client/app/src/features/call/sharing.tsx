import { useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { useStore } from '../../store';
import { useCall } from './call_context';

/** A reminder, as long as one's own screen is to be seen by the others. */
export function Sharing() {
  const { t } = useText();
  const { media } = useCall();
  if (useStore(media).screen.status !== 'live') return null;
  return (
    <div className="sharing" role="status" data-testid="sharing">
      <span>{t('call.you_share')}</span>
      <Button onClick={() => media.stopScreen()}>{t('call.share_stop')}</Button>
    </div>
  );
}
