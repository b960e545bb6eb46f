// Whether somebody is at this page. A session lives on by what its person does; a page that nobody touches must not
// keep it alive by looking again and again on its own, so its requests say that they are nobody's act.

const stillThereMs = 60_000;
let touchedAt = Date.now();

export function startAttention(): void {
  const touched = (): void => {
    touchedAt = Date.now();
  };
  for (const act of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    window.addEventListener(act, touched, { passive: true, capture: true });
  }
}

export const unattended = (now = Date.now()): boolean => now - touchedAt > stillThereMs;
