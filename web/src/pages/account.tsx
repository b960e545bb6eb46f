// One's own account: who one is here, the passkeys one signs in with, the tokens of one's terminals and agents.

import type { Me } from "../api/types";
import { ChatAccountsCard } from "../parts/chat_accounts";
import { NoticesCard } from "../parts/notices_card";
import { PasskeysCard } from "../parts/passkeys";
import { Card, Heading } from "../parts/pieces";
import { AccountsCard } from "../parts/providers";
import { StandInCard } from "../parts/stand_in";
import { Text } from "../parts/text";
import { TokensCard } from "../parts/tokens";
import { returned, useReadAt } from "../reach";
import { useStore } from "../store";
import "../style/account.css";

export function AccountPage({ me }: { me: Me }) {
  useReadAt(useStore(returned) + 1);
  const roles = [me.admin && "administrator", me.auditor && "auditor"].filter(Boolean).join(", ");
  return (
    <main id="main" class="page page-narrow">
      <div class="page-head"><Heading title="Account" /></div>
      <Card title="You">
        <dl class="fields fields-plain">
          <div class="field"><dt>Name</dt><dd><Text>{me.name || me.id}</Text></dd></div>
          <div class="field"><dt>Id</dt><dd><Text>{me.id}</Text></dd></div>
          <div class="field">
            <dt>Groups</dt>
            <dd>{me.groups?.length
              ? <Text>{me.groups.join(", ")}</Text>
              : <span class="muted">none: policy asks you nothing</span>}</dd>
          </div>
          {roles && <div class="field"><dt>Roles</dt><dd>{roles}</dd></div>}
        </dl>
      </Card>
      <PasskeysCard />
      <AccountsCard />
      <ChatAccountsCard />
      <StandInCard me={me} />
      <NoticesCard me={me} />
      <TokensCard me={me} />
    </main>
  );
}
