/** A bell, crossed out while off. An image, since not every system has a glyph for it. */
export function BellIcon({ isOn }: { isOn: boolean }) {
  return (
    <svg class="bell-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d="M8 1.5a4 4 0 0 0-4 4v3L2.5 11.5h11L12 8.5v-3a4 4 0 0 0-4-4zM6.5 13a1.5 1.5 0 0 0 3 0z" />
      {!isOn && <path class="slash" d="M2 14 14 2" />}
    </svg>
  );
}
