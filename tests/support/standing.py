"""Standing approvals in tests: a payment that two of dba agree to, and agreeing to more like it."""
POLICY = """apiVersion: keyturn/v1
kind: Policy
metadata: {name: standing, revision: 1}
defaults: {effect: deny, onError: deny}
standing:
- {id: small-payments, match: {tool: [pay], env: [prod]}, lasts: 7d, uses: 20, bounds: [args.amount, args.note]}
- {id: deploys, match: {tool: [deploy]}, lasts: 1d, uses: 5}
rules:
- {id: too-much, match: {tool: [pay]}, when: action.args.amount > 1000, effect: deny}
- {id: payments, match: {tool: [pay, script]}, effect: require, require: {quorum: {dba: 2}, assurance: token, expires: 1h}}
- {id: deploys, match: {tool: [deploy]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
"""
TOOLS = """tools:
  pay:
    exec: [@WORK@/append.sh, "{{to}}:{{amount}}:{{note}}"]
    params: {to: {type: string}, amount: {type: number}, note: {type: string, default: ""}}
    operation: write
    resource: {kind: account, name: main, env: prod, labels: {sensitivity: pci}}
    sandbox: none
  script:
    exec: [@WORK@/append.sh, "{{to}}"]
    params: {to: {type: string}}
    operation: write
    resource: {kind: account, name: main, env: prod}
    sandbox: none
  deploy:
    params: {ref: {type: string}}
    resource: {kind: service, name: web, env: prod}
    operation: deploy
    mode: grant
    enforcement_point: deployer
"""
PEOPLE = {"ada": [], "olga": ["dba"], "bob": ["dba"], "erin": ["dba"], "cleo": ["dba"], "pat": ["dba"], "mia": []}
PAID = {"to": "acme", "amount": 50, "note": "rent"}


def approved(k, tool="pay", args=None, voters=("bob", "erin"), wait=20):
    """An action that people approved."""
    action = k.request(tool, args or PAID).json
    assert action["state"] == "pending", action
    for who in voters:
        assert k.vote(action, who).status == 200
    return k.action(action["id"], wait=wait).json


def propose(k, action, who="pat", uses=3, lasts="1d", reason="every month", **more):
    return k.post("/v1/standing", who, {"action": action["id"], "uses": uses, "lasts": lasts, "reason": reason, **more})


def agreed(k, action, voters=("bob", "erin"), **more):
    """A standing approval like that action, as the API shows it."""
    proposed = propose(k, action, **more)
    assert proposed.status == 201, proposed
    for who in voters:
        voted = k.vote(proposed.json, who)
        assert voted.status == 200, voted
    done = k.settled(proposed.json["id"], "pat")
    assert done["state"] == "succeeded", done
    found = [one for one in k.get("/v1/standing", "pat").json["items"] if one["action"] == proposed.json["id"]]
    assert len(found) == 1, found
    return found[0]
