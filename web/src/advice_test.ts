import { describe, expect, it } from "vitest";
import { adviceFor } from "./advice";

describe("what to do about a problem", () => {
  it.each([
    [401, "unauthenticated", /Sign in again/], [403, "not_allowed", /may not/], [404, "not_found", /Activity/], [429, "rate_limited", /too often/],
    [500, "internal", /Try again/], [507, "", /Try again/], [503, "read_only", /disk and its ledger/], [503, "busy", /in a moment/], [0, "unreachable", /by itself/],
    [0, "offline", /do it again/], [400, "invalid_args", /^$/],
  ])("%d %s", (status, code, words) => expect(adviceFor({ status, code })).toMatch(words));
});
