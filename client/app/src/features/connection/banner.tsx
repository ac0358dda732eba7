import type { Phase } from '@liaison/sdk';
import { useEffect, useState } from 'react';
import { useText } from '../../i18n';
import { Icon } from '../../primitives/icon';
import { useRoomState } from '../call/call_context';
import { troubleText } from './words';

/** A phase that lasts longer than this gets a second sentence, ms. */
const LONG_MS = 8000;
/** A repair that is over sooner than this is not worth a word, ms. */
const WORTH_A_WORD_MS = 700;

/** Whether the present phase has lasted that long. */
function useLasted(phase: Phase, ms: number): boolean {
  const [lasted, setLasted] = useState(false);
  useEffect(() => {
    setLasted(false);
    const timer = setTimeout(() => setLasted(true), ms);
    return () => clearTimeout(timer);
  }, [phase, ms]);
  return lasted;
}

/** What happens while not all is well, and what to do. */
export function Banner() {
  const { phase } = useRoomState();
  const { t } = useText();
  const long = useLasted(phase, LONG_MS);
  const settled = useLasted(phase, WORTH_A_WORD_MS);
  let words: readonly string[] = [];
  if (phase === 'joining') words = [t(long ? 'banner.unreachable' : 'banner.joining')];
  if (phase === 'connecting' && long) words = [t('banner.connecting_long')];
  if (phase === 'repairing' && settled) words = troubleText(phase, t);
  if (phase === 'reconnecting') {
    words = [...troubleText(phase, t), ...(long ? [t('banner.reconnecting_long')] : [])];
  }
  const [first, ...rest] = words;
  return (
    <div className="banner-region" role="alert">
      {first !== undefined && (
        <div className="banner" data-testid="banner" data-state={phase}>
          <span className="spinner">
            <Icon name="retry" size={20} />
          </span>
          <p>
            <strong>{first}</strong> {rest.join(' ')}
          </p>
        </div>
      )}
    </div>
  );
}
