import { useState } from 'react';
import { useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { toasts } from '../../primitives/toasts';
import { roomLink } from '../../router';

/** Nobody else is here: the link to send. */
export function Alone({ room }: { room: string }) {
  const { t } = useText();
  const [copied, setCopied] = useState(false);
  const link = roomLink(room);
  const copy = () =>
    navigator.clipboard.writeText(link).then(
      () => setCopied(true),
      () => toasts.show(t('call.copy_failed', { link }), { tone: 'warning' }),
    );
  return (
    <section className="alone card" data-testid="alone">
      <h2>{t('call.alone')}</h2>
      <p>{t('call.alone_hint')}</p>
      <div className="alone-link">
        <code data-testid="room-link" data-link={link}>
          {link.slice(0, -room.length)}
          <wbr />
          {room}
        </code>
        <Button
          kind="primary"
          icon={copied ? 'check' : 'link'}
          onClick={() => void copy()}
          data-testid="copy-room-link"
        >
          {t(copied ? 'call.copied' : 'call.copy_link')}
        </Button>
      </div>
    </section>
  );
}
