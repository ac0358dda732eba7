/** The first letters of a name: of two words at most. Chinese names give their last two characters. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const [first = '', ...rest] = words;
  const letters = [...first];
  if (/\p{Script=Han}/u.test(first)) return letters.slice(-2).join('');
  const last = rest.at(-1);
  return ((letters[0] ?? '') + ([...(last ?? '')][0] ?? '')).toUpperCase();
}

/** One of eight quiet colours, always the same for a name. */
export function hueOf(name: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const character of name) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return ((hash ^ (hash >>> 15)) >>> 0) % 8;
}

export function Avatar({ name }: { name: string }) {
  return (
    <span className="avatar" data-hue={hueOf(name)} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
