import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Icon, type IconName } from './icon';

type Native = ButtonHTMLAttributes<HTMLButtonElement> & { 'data-testid'?: string };

interface ButtonProps extends Native {
  kind?: 'primary' | 'plain' | 'danger';
  icon?: IconName;
  children: ReactNode;
}

export function Button({ kind = 'plain', icon, children, className = '', ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={`button button-${kind} ${className}`}>
      {icon && <Icon name={icon} size={20} />}
      <span>{children}</span>
    </button>
  );
}

interface RoundProps extends Native {
  icon: IconName;
  /** Shown below, or read aloud where there is no room. */
  label: string;
  /** What it does, when the label alone does not say. */
  hint?: string | undefined;
  /** off: something that others expect is switched off. */
  tone?: 'normal' | 'off' | 'active' | 'danger';
  shortcut?: string | undefined;
  badge?: string | undefined;
}

/** The large round controls of a call. */
export function RoundButton(props: RoundProps) {
  const { icon, label, hint = label, tone = 'normal', shortcut, badge, ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      className={`round round-${tone}`}
      aria-label={hint}
      aria-keyshortcuts={shortcut}
      title={shortcut ? `${hint} (${shortcut})` : hint}
    >
      <span className="round-disc">
        <Icon name={icon} size={26} />
        {badge !== undefined && <span className="round-badge">{badge}</span>}
      </span>
      <span className="round-label" aria-hidden="true">
        {label}
      </span>
    </button>
  );
}

interface IconButtonProps extends Native {
  icon: IconName;
  label: string;
}

export function IconButton({ icon, label, className = '', ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`icon-button ${className}`}
      aria-label={label}
      title={label}
    >
      <Icon name={icon} size={22} />
    </button>
  );
}
