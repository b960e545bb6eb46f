// Accounts at identity providers: signing in with one, and linking one to whoever one is here.

import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";
import { usePasskey } from "../api/passkey";
import { api } from "../api/routes";
import type { Account, Provider } from "../api/types";
import { returned } from "../reach";
import { useStore } from "../store";
import { Card, ProblemNote } from "./pieces";
import { Text } from "./text";

const words: Record<string, string> = { okta: "Okta", entra: "Microsoft Entra" };
const called = ({ kind, name }: Provider): string => words[kind] && name === kind ? words[kind] : name;

function useProviders(): Provider[] {
  const [providers, setProviders] = useState<Provider[]>([]);
  useEffect(() => {
    api.providers().then((found) => setProviders(found.providers), () => {});
  }, []);
  return providers;
}

export function ProviderButtons({ onProblem }: { onProblem: (problem: Problem) => void }) {
  const begin = (name: string): void => {
    api.signOn(name).then(({ url }) => location.assign(url), (error: unknown) => onProblem(asProblem(error)));
  };
  return (
    <>
      {useProviders().map((one) => (
        <button key={one.name} type="button" class="button button-wide" onClick={() => begin(one.name)}>
          Sign in with {called(one)}
        </button>
      ))}
    </>
  );
}

export function AccountsCard() {
  const providers = useProviders();
  const [items, setItems] = useState<Account[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const failed = (error: unknown): void => setProblem(asProblem(error, "That did not work"));
  const load = (): Promise<void> => api.accounts().then((page) => { setItems(page.items); setProblem(null); }, failed);
  const back = useStore(returned);
  useEffect(() => void load(), [back]);
  const link = async (name: string): Promise<void> => {
    setProblem(null);
    try {
      const { ceremony, options } = await api.linkBegin(name);
      location.assign((await api.link(name, { ceremony, credential: await usePasskey(options) })).url);
    } catch (error) {
      failed(error);
    }
  };
  if (!providers.length && !items.length) return null;
  return (
    <Card title="Accounts" aside={<span class="card-aside">elsewhere, that sign you in here</span>}>
      {problem && <div class="pad"><ProblemNote problem={problem} /></div>}
      <ul class="things" aria-label="Your accounts">
        {items.map(({ account, provider }) => (
          <li key={account}>
            <p><strong><Text>{provider}</Text></strong></p>
            <button type="button" class="button button-small" onClick={() => api.unlink(account).then(load, failed)}>
              Unlink<span class="hidden"> {provider}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="pad stack card-foot">
        {providers.map((one) => (
          <button key={one.name} type="button" class="button" onClick={() => void link(one.name)}>
            Link an account at {called(one)}
          </button>
        ))}
        <p class="small muted">You confirm it with your passkey, then sign in there.</p>
      </div>
    </Card>
  );
}
