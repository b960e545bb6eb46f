// What somebody can do about a problem, when the server's own words do not say it.

import type { Problem } from "./api/client";

const byStatus: Record<number, string> = {
  0: "When the connection is back, this page reads again by itself. What was on its way just now may have arrived all the same: look before you do it again.",
  401: "Sign in again: you come back to where you were.",
  403: "You are signed in, and may not do this. An administrator of Keyturn can say who may.",
  404: "It does not exist, or it is not yours to read. Look for it under Activity.",
  409: "Something changed meanwhile. Look at it as it is now, then try again.",
  413: "It is larger than the server takes. Make it smaller.",
  429: "You, or others at your address, asked too often.",
  500: "Nothing is decided by this. Try again; if it stays so, tell whoever runs Keyturn what you did and when.",
  503: "Keyturn is starting, or busy. Try again in a moment.",
};

const byCode: Record<string, string> = {
  read_only: "Nothing is recorded or released until whoever runs Keyturn has looked at its disk and its ledger. What is there can still be read.",
  offline: "Wait until the connection is back, and do it again.",
};

export const adviceFor = ({ status, code }: Pick<Problem, "status" | "code">): string =>
  byCode[code] ?? byStatus[status] ?? (status >= 500 ? byStatus[500]! : "");
