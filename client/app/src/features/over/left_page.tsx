import { formatDuration, useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { Page } from '../../primitives/page';
import { navigate } from '../../router';

interface LeftPageProps {
  room: string;
  /** How long the call lasted, ms; null if it never began. */
  lasted: number | null;
  onRejoin: () => void;
}

export function LeftPage({ room, lasted, onRejoin }: LeftPageProps) {
  const { t } = useText();
  return (
    <Page testId="left-page">
      <section className="card message">
        <p className="eyebrow">{t('prejoin.room', { room })}</p>
        <h1>{t('left.title')}</h1>
        <p>
          {lasted !== null && t('left.lasted', { time: formatDuration(lasted) })} {t('left.lead')}
        </p>
        <div className="actions">
          <Button kind="primary" onClick={onRejoin} data-testid="rejoin" autoFocus>
            {t('left.rejoin')}
          </Button>
          <Button onClick={() => navigate('/')} data-testid="home">
            {t('left.home')}
          </Button>
        </div>
      </section>
    </Page>
  );
}
