import { useText } from '../../i18n';
import { Button } from '../../primitives/button';
import { Dialog } from '../../primitives/dialog';
import type { Actions } from './actions';

/** For the key, which is pressed by accident more easily than the button. */
export function LeaveDialog({ actions, onClose }: { actions: Actions; onClose: () => void }) {
  const { t } = useText();
  return (
    <Dialog title={t('call.leave_question')} onClose={onClose} testId="leave-dialog">
      <div className="actions">
        <Button kind="danger" autoFocus data-testid="leave-confirm" onClick={() => actions.leave()}>
          {t('call.leave_confirm')}
        </Button>
        <Button onClick={onClose}>{t('call.stay')}</Button>
      </div>
    </Dialog>
  );
}
