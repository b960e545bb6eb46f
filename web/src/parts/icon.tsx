// A small set of line icons, 20 by 20, drawn for this page.

const paths = {
  inbox: "M3 11.5 5 4h10l2 7.5V16H3zM3 11.5h4l1.2 2h3.6l1.2-2h4",
  activity: "M3 5h14M3 10h14M3 15h9",
  policy: "M5 2.5h7l3.5 3.5v11.5H5zM12 2.5V6h3.5M7.5 10h5.5M7.5 13.5h3.5",
  ledger: "M10 3v4M5.5 13v-2.5h9V13M10 7v3.5M7.5 3h5v4h-5zM3 13h5v4H3zM12 13h5v4h-5z",
  demo: "M7 3h6M8.5 3v5L4 16a1 1 0 0 0 .9 1.4h10.2A1 1 0 0 0 16 16l-4.5-8V3M6.3 12.5h7.4",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  moon: "M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3z",
  auto: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  help: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15M7.8 8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M10 14v.2",
  out: "M12 4H4v12h8M9 10h8M14 7l3 3-3 3",
  check: "m4 10.5 4 4 8-9",
  cross: "m5 5 10 10M15 5 5 15",
  clock: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15M10 6v4.3l2.8 1.7",
  warn: "M10 3 2.5 16.5h15zM10 8.5v3.5M10 14.3v.2",
  run: "M6 4l10 6-10 6z",
  pause: "M7 4v12M13 4v12",
  question: "M7 7.5a3 3 0 1 1 4.4 2.6c-1 .6-1.4 1.2-1.4 2.2M10 15.5v.2",
  back: "M12 4 6 10l6 6",
  next: "m8 4 6 6-6 6",
  search: "M8.5 3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M12.7 12.7 17 17",
  comment: "M3 4h14v10H9l-4 3v-3H3z",
  edit: "M4 16l.8-3.5L13 4.3a1.2 1.2 0 0 1 1.7 0l1 1a1.2 1.2 0 0 1 0 1.7L7.5 15.2z",
  down: "m5 8 5 5 5-5",
  passkey: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2.5 16.5c0-3 2-5 5-5 1 0 1.9.2 2.6.6M14.5 8a2.5 2.5 0 0 0-1 4.8V17l1.2.9 1.3-1.2-.8-1 .8-1-.6-.7v-1.2A2.5 2.5 0 0 0 14.5 8",
  person: "M10 3.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M3.5 17c.4-3.2 3-5 6.5-5s6.1 1.8 6.5 5",
  bell: "M5.5 14V9a4.5 4.5 0 0 1 9 0v5l1.5 1.5H4zM8.5 17.5h3",
  chart: "M3.5 3v14H17M7 13.5V10M10.5 13.5V6M14 13.5V8.5",
  gear: "M10 7.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M10 2.5v2M10 15.5v2M2.5 10h2M15.5 10h2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M4.7 15.3l1.4-1.4M13.9 6.1l1.4-1.4",
  stands: "M4 17h12M6 17v-3h8v3M8.2 14c0-2-1.7-3.4-1.7-6a3.5 3.5 0 0 1 7 0c0 2.6-1.7 4-1.7 6",
  more: "M4 10h.1M10 10h.1M16 10h.1",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

// The keyhole: upright while the place is empty, turned when somebody took it. The one ornament of this page.
export function Keyhole({ turned, size = 22 }: { turned: boolean; size?: number }) {
  return (
    <svg class={turned ? "keyhole turned" : "keyhole"} width={size} height={size} viewBox="0 0 24 24"
      aria-hidden="true" focusable="false">
      <circle class="plate" cx="12" cy="12" r="10.75" />
      <path class="hole" d="M12 5.8a3.3 3.3 0 0 0-1.5 6.2l-1 5.6h5l-1-5.6A3.3 3.3 0 0 0 12 5.8z" />
    </svg>
  );
}
