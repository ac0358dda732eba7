import { AUDIBLE, type LocalMedia } from '@liaison/sdk';
import { useEffect, useRef, useState } from 'react';
import { useText } from '../../i18n';
import { platform } from '../../platform';
import { Button } from '../../primitives/button';
import { Dialog } from '../../primitives/dialog';
import { useStore } from '../../store';
import { useBlackPicture } from '../devices/black_picture';
import type { MicrophoneMonitor } from '../devices/microphone_monitor';
import { Video } from '../grid/video';
import { type CheckLine, deviceLine, pathLines } from './lines';
import { PathCheck } from './path_check';
import { synthetic } from './synthetic';
import './check.css';

interface CheckProps {
  media: LocalMedia;
  monitor: MicrophoneMonitor;
  onClose: () => void;
}

/** Whether a call from here would work, and what to do if not. */
export function CheckDialog(props: CheckProps) {
  const { t } = useText();
  const [run, setRun] = useState(1);
  const [path, setPath] = useState<PathCheck | null>(null);
  useEffect(() => {
    const { media, close } = synthetic();
    const begun = new PathCheck({ media });
    setPath(begun);
    return () => {
      begun.close();
      close();
    };
  }, [run]);
  return (
    <Dialog title={t('check.title')} onClose={props.onClose} testId="check-dialog">
      <p>{t('check.lead')}</p>
      {path && <Lines key={run} {...props} path={path} onAgain={() => setRun(run + 1)} />}
    </Dialog>
  );
}

/** Whether anything was heard since the test began. */
function useHeard(monitor: MicrophoneMonitor): boolean {
  const [heard, setHeard] = useState(false);
  useEffect(
    () =>
      monitor.subscribe(() => {
        if (monitor.state.level >= AUDIBLE) setHeard(true);
      }),
    [monitor],
  );
  return heard;
}

function Lines(props: CheckProps & { path: PathCheck; onAgain: () => void }) {
  const { media, monitor, path, onAgain, onClose } = props;
  const { t } = useText();
  const { microphone, camera } = useStore(media);
  const state = useStore(path);
  const video = useRef<HTMLVideoElement>(null);
  const black = useBlackPicture(video, camera.track);
  const heard = useHeard(monitor);
  const over = path.finished;
  const facts = ({ on, track, problem }: typeof camera, works: boolean | null) => {
    return { on, live: track !== null, problem, works };
  };
  const lines = [
    deviceLine('microphone', facts(microphone, heard || null), over, platform(), t),
    deviceLine('camera', facts(camera, !black), over, platform(), t),
    ...pathLines(state, t),
  ];
  return (
    <>
      <ul className="check-lines" data-testid="check" data-finished={over}>
        {lines.map((line) => (
          <LineView key={line.id} line={line}>
            {line.id === 'camera' && camera.track && (
              <Video ref={video} track={camera.track} mirrored />
            )}
          </LineView>
        ))}
      </ul>
      <p className="hidden" role="status">
        {over ? t('check.over') : ''}
      </p>
      <div className="check-actions">
        <Button icon="retry" disabled={!over} onClick={onAgain} data-testid="check-again">
          {t('check.again')}
        </Button>
        <Button kind="primary" onClick={onClose}>
          {t('dialog.close')}
        </Button>
      </div>
    </>
  );
}

function LineView({ line, children }: { line: CheckLine; children: React.ReactNode }) {
  const { t } = useText();
  const { id, mark, words } = line;
  const [first, ...rest] = words;
  return (
    <li data-testid={`check-${id}`} data-level={mark}>
      <span
        className="mark"
        role="img"
        aria-label={mark === 'running' ? t('check.running') : t(`stats.mark_${mark}`)}
      />
      <div>
        <h3>{t(`check.${id}`)}</h3>
        <p>{first}</p>
        {rest.map((one) => (
          <p key={one} className="check-more">
            {one}
          </p>
        ))}
      </div>
      {children && <div className="check-picture">{children}</div>}
    </li>
  );
}
