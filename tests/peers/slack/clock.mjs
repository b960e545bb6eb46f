// Time and ids. Limits go by a clock that tests move, so that nothing waits for them to pass; what is signed and said goes by the machine's.
let ahead = 0;
let count = 0;

export const now = () => Date.now() + ahead;
export const seconds = () => Math.floor(Date.now() / 1000);
export const advance = (by) => {
  ahead += by * 1000;
};

export const number = () => {
  count += 1;
  return count;
};
/** "U0KT0000001": as long and as spelt as Slack's. */
export const id = (kind) => `${kind}0KT${String(number()).padStart(7, "0")}`;
/** "1700000007.000100": later ones are greater. */
export const ts = () => `${1_700_000_000 + number()}.000100`;
/** A name for a block or an element that was given none. */
export const word = () => `k${number().toString(36).padStart(4, "0")}`;
export const sleep = (ms) =>
  new Promise((done) => {
    setTimeout(done, ms);
  });

/** An array that forgets its oldest. `missed` says how many. */
export class Ring {
  constructor(most) {
    this.most = most;
    this.all = [];
    this.missed = 0;
  }

  push(one) {
    this.all.push(one);
    if (this.all.length > this.most) {
      this.all.shift();
      this.missed += 1;
    }
    return one;
  }
}
