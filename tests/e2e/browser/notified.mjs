// Notices of the browser, seen: the real Notification is used; what it was made with is written down.
export const polling = 50; // a page that nobody looks at draws no frames

export const watchNotices = (context) => context.addInitScript(() => {
  const Real = globalThis.Notification;
  globalThis.noticesMade = [];
  globalThis.asked = 0;
  const request = Real.requestPermission.bind(Real);
  globalThis.Notification = class extends Real {
    constructor(title, options) {
      super(title, options);
      globalThis.noticesMade.push(this);
    }
    static requestPermission() {
      globalThis.asked += 1;
      return request();
    }
  };
});

export const made = (on) => on.evaluate(() => globalThis.noticesMade.map(({ title, body, tag }) => ({ title, body, tag })));
export const saysSoon = (on, title) => on.waitForFunction((want) => globalThis.noticesMade.some((one) => one.title === want), title, { polling });

// Focus as a person has it: Playwright otherwise says that every page has it. The other page, that is looked at.
export async function lookElsewhere(context, page) {
  const devtools = await context.newCDPSession(page);
  await devtools.send("Emulation.setFocusEmulationEnabled", { enabled: false });
  const other = await context.newPage();
  await other.bringToFront();
  await page.waitForFunction(() => !document.hasFocus(), null, { polling });
  return other;
}
