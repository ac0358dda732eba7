import { useText } from '../../i18n';
import { Dialog } from '../../primitives/dialog';
import { useCall } from '../call/call_context';
import { DevicePicker } from './device_picker';

export function DevicesDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const { media, monitor } = useCall();
  return (
    <Dialog title={t('device.title')} onClose={onClose} testId="devices-dialog">
      <DevicePicker media={media} monitor={monitor} />
    </Dialog>
  );
}
