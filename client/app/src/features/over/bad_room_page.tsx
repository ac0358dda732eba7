import { useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { Page } from '../../primitives/page';
import { navigate } from '../../router';

export function BadRoomPage() {
  const { t } = useText();
  return (
    <Page testId="bad-room-page">
      <section className="card message">
        <h1>{t('error.bad_room.title')}</h1>
        <p>{t('failed.bad_room')}</p>
        <Button kind="primary" onClick={() => navigate('/')} data-testid="home">
          {t('left.home')}
        </Button>
      </section>
    </Page>
  );
}
