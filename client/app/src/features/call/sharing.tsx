import type { ScreenContent } from '@liaison/sdk';
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
      <Content />
      <Button onClick={() => media.stopScreen()}>{t('call.share_stop')}</Button>
    </div>
  );
}

const CONTENTS: readonly ScreenContent[] = ['text', 'motion'];

/** Sharp or smooth: both at once is more than most connections carry. */
function Content() {
  const { t } = useText();
  const { media } = useCall();
  const { content } = useStore(media).screen;
  return (
    <fieldset className="share-content">
      <legend>{t('call.share_for')}</legend>
      {CONTENTS.map((one) => (
        <label key={one} title={t(`call.share_${one}_hint`)}>
          <input
            type="radio"
            name="share-content"
            value={one}
            checked={content === one}
            data-testid={`share-${one}`}
            onChange={() => void media.optimiseScreen(one)}
          />
          {t(`call.share_${one}`)}
        </label>
      ))}
    </fieldset>
  );
}
