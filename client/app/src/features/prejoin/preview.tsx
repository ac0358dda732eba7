import type { DeviceProblem, InputKind } from '@liaison/sdk';
import { useRef, useSyncExternalStore } from 'react';
import { useText } from '../../i18n';
import { RoundButton } from '../../primitives/button';
import { useStore } from '../../store';
import { useBlackPicture } from '../devices/black_picture';
import { DeviceHelp } from '../devices/device_help';
import { Meter } from '../devices/meter';
import { Video } from '../grid/video';
import type { Visit } from '../room/visit';

/** One's own picture as in a mirror, the voice as a bar, and what is wrong with either. */
export function Preview({ visit }: { visit: Visit }) {
  const { t } = useText();
  const { media, monitor } = visit;
  const { microphone, camera } = useStore(media);
  const video = useRef<HTMLVideoElement>(null);
  const black = useBlackPicture(video, camera.track);
  const silent = useSyncExternalStore(monitor.subscribe, () => monitor.state.silent);
  return (
    <div className="preview-side">
      <div className="preview" role="group" aria-label={t('prejoin.preview')} data-testid="preview">
        {camera.track ? (
          <Video ref={video} track={camera.track} mirrored testId="preview-video" />
        ) : (
          <p className="preview-empty">{t(emptyText(camera))}</p>
        )}
        <div className="preview-controls">
          <RoundButton
            icon={microphone.on ? 'microphone' : 'microphone_off'}
            label={t(microphone.on ? 'call.mute' : 'call.unmute')}
            tone={microphone.on ? 'normal' : 'off'}
            aria-pressed={!microphone.on}
            data-testid="microphone"
            onClick={() => void media.setMicrophone(!microphone.on)}
          />
          <RoundButton
            icon={camera.on ? 'camera' : 'camera_off'}
            label={t(camera.on ? 'call.camera_off' : 'call.camera_on')}
            tone={camera.on ? 'normal' : 'off'}
            aria-pressed={!camera.on}
            data-testid="camera"
            onClick={() => void media.setCamera(!camera.on)}
          />
        </div>
        <Meter monitor={monitor} />
      </div>
      <Problems visit={visit} black={black} silent={silent} />
    </div>
  );
}

type Empty = 'prejoin.camera_opening' | 'prejoin.camera_problem' | 'prejoin.camera_off';

function emptyText(camera: { status: string }): Empty {
  if (camera.status === 'opening') return 'prejoin.camera_opening';
  return camera.status === 'failed' ? 'prejoin.camera_problem' : 'prejoin.camera_off';
}

function Problems({ visit, black, silent }: { visit: Visit; black: boolean; silent: boolean }) {
  const { t } = useText();
  const { microphone, camera } = useStore(visit.media);
  const asking = [microphone, camera].some(({ status }) => status === 'opening');
  const problems: [InputKind, DeviceProblem | null][] = [
    ['camera', camera.problem ?? (black ? 'black' : null)],
    ['microphone', microphone.problem ?? (silent ? 'silent' : null)],
  ];
  return (
    <div className="problems">
      {asking && <p className="asking">{t('prejoin.allow')}</p>}
      {problems.map(([kind, problem]) =>
        problem === null ? null : (
          <DeviceHelp
            key={kind}
            kind={kind}
            problem={problem}
            onRetry={
              problem === 'black' || problem === 'silent' || problem === 'insecure'
                ? undefined
                : () => void visit.media.retry(kind)
            }
          />
        ),
      )}
    </div>
  );
}
