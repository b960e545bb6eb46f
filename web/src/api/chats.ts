// Chat accounts: which are linked to whoever one is here, and linking one with proof on both sides.

import { del, get, post } from "./client";

export interface ChatAttempt {
  id: string;
  channel: string;
  code: string | null; // to be said in the chat; null once it was
  expires_at: string;
  account: { account: string; name: string } | null; // that said it: both are words of others
  agreed: boolean; // by that account, in the chat
}

export interface ChatLinks {
  items: { channel: string; account: string }[]; // "slack:T0123/U0456"
  under_way: ChatAttempt[];
  channels: string[]; // that this server speaks to
}

const link = (id: string): string => `/v1/me/links/${encodeURIComponent(id)}`;

export const chats = {
  all: () => get<ChatLinks>("/v1/me/links"),
  begin: (channel: string) => post<ChatAttempt>("/v1/me/links", { channel }),
  confirm: (id: string) => post<ChatLinks>(`${link(id)}/confirm`),
  drop: (id: string) => del<unknown>(link(id)),
  unlink: (channel: string) => del<unknown>(link(channel)),
};
