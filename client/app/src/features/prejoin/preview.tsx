import { type DeviceProblem, type InputKind, isLive, type LocalMedia } from '@liaison/sdk';
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
  const { camera } = useStore(media);
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
          <Switch kind="microphone" media={media} />
          <Switch kind="camera" media={media} />
        </div>
        <Meter monitor={monitor} />
      </div>
      <Problems visit={visit} black={black} silent={silent} />
    </div>
  );
}

const WORDS = {
  microphone: ['call.mute', 'call.unmute'],
  camera: ['call.camera_off', 'call.camera_on'],
} as const;

function Switch({ kind, media }: { kind: InputKind; media: LocalMedia }) {
  const { t } = useText();
  const live = isLive(useStore(media)[kind]);
  const [off, on] = WORDS[kind];
  return (
    <RoundButton
      icon={live ? kind : `${kind}_off`}
      label={t(live ? off : on)}
      tone={live ? 'normal' : 'off'}
      data-testid={kind}
      data-state={live ? 'on' : 'off'}
      onClick={() => void media.toggle(kind)}
    />
  );
}

type Empty = 'prejoin.camera_opening' | 'prejoin.camera_problem' | 'prejoin.camera_off';

function emptyText(camera: { status: string }): Empty {
  if (camera.status === 'opening') return 'prejoin.camera_opening';
  return camera.status === 'failed' ? 'prejoin.camera_problem' : 'prejoin.camera_off';
}

/** What both suffer from is said once. */
const SHARED: readonly (DeviceProblem | null)[] = ['denied', 'dismissed', 'insecure'];
/** What no second attempt would change. */
const NO_RETRY: readonly DeviceProblem[] = ['black', 'silent', 'insecure'];

function Problems({ visit, black, silent }: { visit: Visit; black: boolean; silent: boolean }) {
  const { t } = useText();
  const { media } = visit;
  const { microphone, camera } = useStore(media);
  const asking = [microphone, camera].some(({ status }) => status === 'opening');
  const problems: ['both' | InputKind, DeviceProblem | null][] =
    camera.problem === microphone.problem && SHARED.includes(camera.problem)
      ? [['both', camera.problem]]
      : [
          ['camera', camera.problem ?? (black ? 'black' : null)],
          ['microphone', microphone.problem ?? (silent ? 'silent' : null)],
        ];
  return (
    <div className="problems">
      {asking && <p className="asking">{t('prejoin.allow')}</p>}
      {problems.map(([kind, problem]) => {
        if (problem === null) return null;
        const retry = () => void (kind === 'both' ? media.start() : media.retry(kind));
        return (
          <DeviceHelp
            key={kind}
            kind={kind}
            problem={problem}
            onRetry={NO_RETRY.includes(problem) ? undefined : retry}
          />
        );
      })}
    </div>
  );
}
