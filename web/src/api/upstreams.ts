// MCP servers: what they say of their tools, and what of that is used.

import { get, post } from "./client";
import type { Action, Json, Page } from "./types";

export interface UpstreamTool {
  name: string;
  tool?: string; // as policy knows it; absent while agents are not offered it
  operation?: string;
  digest: string | null; // of the accepted definition
  state: "pinned" | "new" | "changed" | "gone";
  since?: string;
  definition?: { description?: Json };
  offered?: { digest: string; since: string; definition?: { description?: Json } }; // what the server says instead
}

export interface Upstream {
  name: string;
  kind: "http" | "command" | "attached";
  state: "unseen" | "accepted" | "changed";
  path: string;
  url?: string;
  command?: string[];
  tools: UpstreamTool[];
}

export const upstreams = async (): Promise<Page<Upstream>> => ({ next: null, ...(await get<{ items: Upstream[] }>("/v1/upstreams")) });

// Accepts what was looked at, and nothing that the server says instead by then.
export const proposeUpstream = (name: string, tools: Record<string, string>, reason: string) =>
  post<Action>(`/v1/upstreams/${encodeURIComponent(name)}/accept`, { tools, reason });
