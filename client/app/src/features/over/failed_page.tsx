import type { Failure } from '@liaison/sdk';
import { useEffect, useState } from 'react';
import { type Key, useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { Icon } from '../../primitives/icon';
import { Page } from '../../primitives/page';
import { navigate } from '../../router';

function titleOf(code: Failure['code']): Key {
  if (code.startsWith('token_')) return 'failed.token.title';
  if (code === 'room_full' || code === 'server_full') return 'failed.full.title';
  if (code === 'replaced') return 'failed.replaced.title';
  return 'failed.title';
}

/** Where only the page itself is out of date, or confused. */
const RELOAD: readonly string[] = ['version_unsupported', 'bad_message', 'unknown_type'];

/** Seconds until it makes sense to try again. */
function useSecondsLeft(failure: Failure): number {
  const [left, setLeft] = useState(Math.ceil((failure.retryAfterMs ?? 0) / 1000));
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return left;
}

export function FailedPage({ failure, onRetry }: { failure: Failure; onRetry: () => void }) {
  const { t } = useText();
  const left = useSecondsLeft(failure);
  const { code, message } = failure;
  return (
    <Page testId="failed-page">
      <section className="card message" data-testid="failure" data-code={code}>
        <span className="message-icon">
          <Icon name={code === 'replaced' ? 'info' : 'warning'} size={28} />
        </span>
        <h1>{t(titleOf(code))}</h1>
        <p role="alert">
          {code === 'unknown' ? t('failed.unknown', { message }) : t(`failed.${code}`)}
        </p>
        <div className="actions">
          {RELOAD.includes(code) ? (
            <Button kind="primary" icon="retry" onClick={() => location.reload()}>
              {t('failed.reload')}
            </Button>
          ) : (
            <Button kind="primary" onClick={onRetry} disabled={left > 0} data-testid="retry">
              {left > 0 ? t('failed.again_in', { count: left }) : t('failed.again')}
            </Button>
          )}
          <Button onClick={() => navigate('/')} data-testid="home">
            {t('left.home')}
          </Button>
        </div>
        <p className="fine">{t('failed.code', { code })}</p>
      </section>
    </Page>
  );
}
